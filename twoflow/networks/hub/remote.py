"""Download the network of a repository of the Hugging Face hub, or find it in the cache; an extra."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any, NamedTuple

from ..._files import reason_of
from ..._text import printable
from ...errors import InputError, MissingExtraError, OutsideError, UnreachableError
from ..content import MAX_BYTES, read_content
from ..hub_name import HubName, is_commit, is_safe
from ..onnx.external import read_locations
from .choosing import Choice, choose_file
from .config import MAX_CONFIG_BYTES
from .folder import ABOUT, list_files

_SECONDS = 10  # to wait for the hub's answer about a repository
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_lock = Lock()


class Fetched(NamedTuple):
    """A network of the hub, on this machine.

    Attributes
    ----------
    name : HubName
        With the commit and the file.
    folder : Path
        The commit's folder in the cache.
    choice : str
        Why the file was chosen, and that it comes from the cache if it does.
    """

    name: HubName
    folder: Path
    choice: str

    @property
    def model(self) -> Path:
        """The path of the ONNX file."""
        assert self.name.file is not None
        return self.folder / self.name.file


class Unreachable(Exception):
    """The hub does not answer, or may not be asked; `answers` raises it."""


_fetched: dict[HubName, Fetched] = {}


def fetch(name: HubName) -> Fetched:
    """Download what is needed of a repository: one ONNX file, its weights, and the files that say something about it.

    The cache is huggingface_hub's, and so are the settings: HF_HOME, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE. The hub is
    asked once in a process, which then keeps to the commit. If the hub does not answer, the cache is used.

    Parameters
    ----------
    name : HubName

    Returns
    -------
    Fetched

    Raises
    ------
    ModuleNotFoundError
        If huggingface_hub is not installed.
    ValueError
        If there is no such repository, revision or network, or it is too large, or its owner has not let you in.
    ConnectionError
        If the hub does not answer, and the cache does not have it.
    """
    with _lock:
        known = _fetched.get(name)
        if known is None or not known.model.exists():
            try:
                known = _download(name)
            except Unreachable as error:
                known = _find_in_cache(name, error)
            _fetched[name] = known
        return known


def _download(name: HubName) -> Fetched:
    hub = import_hub()
    with answers(name):
        info = hub.HfApi().model_info(name.repository, revision=name.revision, files_metadata=True, timeout=_SECONDS)
    sizes = {each.rfilename: each.size or 0 for each in info.siblings or () if is_safe(each.rfilename)}
    choice = _choose(name, sizes)
    require_size(name, sizes, [choice.file])

    def get(file: str, revision: str | None) -> Path:
        with answers(name):
            return Path(hub.hf_hub_download(name.repository, file, revision=revision))

    # By its own revision, so that the cache remembers which commit a branch has.
    model = get(choice.file, name.revision)
    folder = model.parents[len(PurePosixPath(choice.file).parts) - 1]
    if folder.name != info.sha:  # the branch has moved since the files were listed
        return _download(name)
    weights = _find_weights(choice.file, model, sizes)
    require_size(name, sizes, [choice.file, *weights])
    for file in (*weights, *(each for each in ABOUT if each in sizes)):
        if file in weights or sizes[file] <= MAX_CONFIG_BYTES:
            get(file, info.sha)
    return Fetched(name._replace(revision=info.sha, file=choice.file), folder, choice.reason)


def _find_in_cache(name: HubName, reason: Unreachable) -> Fetched:
    folder = require_snapshot(name, reason)
    try:
        choice = _choose(name, list_files(folder))
    except InputError as error:
        raise not_cached(name, reason, f"the network ({error})") from error
    why = f"{choice.reason or choice.file}; from the cache, because the hub does not answer ({reason})"
    return Fetched(name._replace(revision=folder.name, file=choice.file), folder, why)


def require_snapshot(name: HubName, reason: Unreachable) -> Path:
    """Return the folder in the cache that has the files of a revision; ConnectionError with the remedy without one."""
    folder = _find_snapshot(name)
    if folder is None:
        raise not_cached(name, reason, "this revision")
    return folder


def not_cached(name: HubName, reason: Unreachable, what: str) -> UnreachableError:
    """Return the error for what the hub does not give, and the cache does not have."""
    return UnreachableError(
        f"{name}: the hub does not answer ({reason}), and the cache does not have {what}; on a machine with a "
        f"connection run: hf download {name.repository} --local-dir {name.short}, then use the path of that folder"
    )


def _find_snapshot(name: HubName) -> Path | None:
    """Return the folder in the cache that has the files of a revision."""
    root = Path(import_hub(".constants").HF_HUB_CACHE) / f"models--{name.repository.replace('/', '--')}"
    revision = name.revision or "main"
    with suppress(OSError, UnicodeDecodeError):
        revision = (root / "refs" / revision).read_text("ascii").strip()
    folder = root / "snapshots" / revision
    return folder if is_commit(revision) and folder.is_dir() else None


def import_hub(module: str = "") -> Any:
    """Import huggingface_hub or a module of it; ModuleNotFoundError with the remedy if it is not installed."""
    try:
        return import_module(f"huggingface_hub{module}")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            'names that begin with hf:// need huggingface_hub, which is not installed; pip install "twoflow[hub]"'
        ) from error


def _choose(name: HubName, files: Collection[str]) -> Choice:
    if name.file is None:
        return choose_file(files, str(name))
    if name.file not in files:
        raise InputError(f"{name}: expected a file of the repository, got {name.file!r}; leave it out")
    if not name.file.endswith(".onnx"):
        raise InputError(f"{name}: expected an .onnx file, got {name.file}")
    return Choice(name.file, "")


def _find_weights(file: str, model: Path, sizes: Mapping[str, int]) -> list[str]:
    """Return the files of the repository in which an ONNX file keeps weights."""
    folder = PurePosixPath(file).parent
    named = {(folder / location).as_posix() for location in read_locations(read_content(model))}
    return sorted(named & set(sizes))


def require_size(name: HubName, sizes: Mapping[str, int], files: list[str]) -> None:
    """Raise ValueError if the files have more bytes together than are ever read."""
    if (total := sum(sizes[file] for file in files)) > MAX_BYTES:
        raise InputError(
            f"{name}: expected at most {MAX_BYTES} bytes, got {total} ({', '.join(files)}); name a smaller file of it"
        )


@contextmanager
def answers(name: HubName) -> Iterator[None]:
    """Turn the errors of huggingface_hub into one line each."""
    known = import_hub(".errors")
    try:
        yield
    except known.GatedRepoError as error:
        raise InputError(
            f"{name}: its owner lets in only those who have accepted the terms; accept them on the page of "
            f"{name.repository}, and set HF_TOKEN to your token"
        ) from error
    except known.RepositoryNotFoundError as error:
        raise InputError(
            f"{name}: the hub has no repository {name.repository}, or it is private; correct the name, or set HF_TOKEN "
            "to a token that may read it"
        ) from error
    except known.RevisionNotFoundError as error:
        raise InputError(
            f"{name}: {name.repository} has no revision {name.revision!r}; name one of its branches, tags or commits"
        ) from error
    except known.OfflineModeIsEnabled as error:
        raise Unreachable("HF_HUB_OFFLINE is set") from error
    except Exception as error:  # the library for HTTP, and so its errors, differ between versions
        if isinstance(error, OSError) and (error.filename is not None or error.errno in _OF_THE_DISK):
            raise OutsideError(f"{name}: the cache cannot be written: {reason_of(error)}; set HF_HOME") from error
        raise Unreachable(_short(error)) from error


def _short(error: Exception) -> str:
    return printable(f"{type(error).__name__}: {error}", 200)
