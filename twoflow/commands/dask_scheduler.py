"""Connecting a command to a Dask scheduler, whose workers then do the work."""

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

_PATIENCE_S = 10  # for the scheduler to answer, and then for a first worker


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Have the workers of a scheduler do meanwhile what joblib makes parallel; None: this machine's cores.

    Raises
    ------
    ModuleNotFoundError
        If the extra is not installed, here or on a worker.
    ConnectionError
        If no scheduler answers, no worker is there, the scheduler is lost on the way, or a task has killed several
        workers.
    ValueError
        If a worker has other versions installed, and so would compute something else.
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
        if name.split(".")[0] in ("distributed", "tornado"):  # each of them has a level of its own
            logging.getLogger(name).setLevel(logging.CRITICAL)  # errors are told in one line, below
    client = Client.__new__(Client)  # at hand before it connects: left for the garbage collector, it can block for ever
    try:
        Client.__init__(client, address, timeout=_PATIENCE_S)
    except Exception as error:  # it may not even be an address
        client.close()
        raise UnreachableError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        _check_workers(client, address)
        try:
            with parallel_config("dask"):
                yield
        except CancelledError as error:
            raise UnreachableError(f"the Dask scheduler at {address} was lost: {error}") from error
        except KilledWorker as error:
            raise UnreachableError(f"a task has killed workers of {address} again and again: {error}") from error


def _check_workers(client: Client, address: str) -> None:
    """Raise unless there are workers, and all of them compute what this process would."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_S)
    except TimeoutError:
        reason = f"the Dask scheduler at {address} has no workers; start some: dask worker {address}"
        raise UnreachableError(reason) from None
    here = _installed()
    for worker, there in client.run(_installed, on_error="return").items():
        if not isinstance(there, Mapping):
            raise MissingExtraError(f"the worker {worker} cannot run twoflow: {there}")
        for name, version in here.items():
            if there.get(name) != version:
                raise InputError(
                    f"the worker {worker} has {name} {there.get(name)}, but here it is {version}; install the same"
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
    """What features and scores depend on, besides images and parameters."""
    from importlib.metadata import version

    from ..flows.engine.fingerprint import our_code, versions

    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python, "joblib": version("joblib"), **versions(), "code of twoflow": our_code()[:12]}
