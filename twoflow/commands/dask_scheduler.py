"""Connect a command to a Dask scheduler, whose workers then do the work."""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import InputError, MissingExtraError, UnreachableError

if TYPE_CHECKING:
    from distributed import Client

_PATIENCE_S = 10  # to wait for the scheduler, and then for a first worker


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Let the workers of a scheduler do joblib's parallel work inside the block.

    Parameters
    ----------
    address : str or None
        The scheduler's address. None changes nothing: this machine does the work.

    Raises
    ------
    ModuleNotFoundError
        If the extra is not installed here, or twoflow is not installed on a worker.
    ConnectionError
        If no scheduler answers, it has no workers, it is lost during the work, or a task killed several workers.
    ValueError
        If a worker has other versions installed and could compute other numbers, or may not read from the same hosts.
    """
    if address is None:
        yield
        return
    try:
        from distributed import Client, KilledWorker
    except ModuleNotFoundError:
        raise MissingExtraError('--scheduler needs dask and distributed: pip install "twoflow[dask]"') from None
    from joblib import parallel_config

    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in ("distributed", "tornado"):  # each logger has its own level
            logging.getLogger(name).setLevel(logging.CRITICAL)  # the errors below are one line each
    # Made in two steps, to close it if connecting fails: the garbage collector can block on it for ever.
    client = Client.__new__(Client)
    try:
        Client.__init__(client, address, timeout=_PATIENCE_S)
    except Exception as error:  # of many kinds, as the address may be nonsense
        client.close()
        raise UnreachableError(f"no Dask scheduler answers at {address}: {error}; check the address") from error
    with client:
        _check_workers(client, address)
        try:
            with parallel_config("dask"):
                yield
        except CancelledError as error:
            raise UnreachableError(
                f"the Dask scheduler at {address} was lost: {error}; start it and repeat the command"
            ) from error
        except KilledWorker as error:
            raise UnreachableError(
                f"a task killed several workers of {address}: {error}; give the workers more memory"
            ) from error


def _check_workers(client: Client, address: str) -> None:
    """Check that there are workers, and that all of them would compute what this process would."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_S)
    except TimeoutError:
        reason = f"the Dask scheduler at {address} has no workers; start some: dask worker {address}"
        raise UnreachableError(reason) from None
    here = _installed()
    for worker, there in client.run(_installed, on_error="return").items():
        if not isinstance(there, Mapping):
            raise MissingExtraError(f"the worker {worker} cannot run twoflow: {there}; install twoflow there")
        for name, version in here.items():
            if there.get(name) != version:
                raise InputError(
                    f"expected {name} {version} on the worker {worker}, as here, got {there.get(name)}; install the "
                    "same"
                )
    from ..images.web import VARIABLE, allowed_hosts

    hosts = allowed_hosts()
    for worker, there in client.run(allowed_hosts).items():
        if not set(hosts) <= set(there):
            raise InputError(
                f"the worker {worker} may not read from {', '.join(sorted(set(hosts) - set(there)))}; start it with "
                f"{VARIABLE}={','.join(hosts)} in its environment"
            )


def _installed() -> dict[str, str]:
    """List the versions that features and scores depend on."""
    from importlib.metadata import version

    from ..flows.engine.fingerprint import our_code, versions

    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python, "joblib": version("joblib"), **versions(), "code of twoflow": our_code()[:12]}
