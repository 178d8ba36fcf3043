"""A store of features and finished folds on disk, which never stops the work that uses it.

A store only saves work. If the disk is full, the folder read-only, the file damaged or the home folder unknown, it
warns once, and the features are computed.
"""

from __future__ import annotations

import os
import sqlite3
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Self, TypeAlias, TypeVar

import numpy as np
from platformdirs import user_cache_path

from .._files import expand
from ..errors import InputError
from . import database
from .database import Pruned, StoredFlow, StoredResults

_T = TypeVar("_T")

_FILE = "features.sqlite"


class StoreWarning(UserWarning):
    """A store is damaged or cannot be used. The features themselves are not affected."""


def default_folder() -> Path:
    """Return the folder of the default store, which is twoflow's folder in the user's cache.

    Raises
    ------
    ValueError
        If the user's home folder is not known.
    """
    try:
        return _expand(user_cache_path("twoflow", appauthor=False))
    except RuntimeError:  # raised by newer versions of platformdirs; older ones return a path with ~ in it
        return _expand("~")


class FeatureStore:
    """Keep features on disk, by flow and image, and finished folds. Any number of processes may share a store.

    Parameters
    ----------
    folder : path, optional
        The folder of the store's file. It is created when it is first needed. A ``~`` at the beginning is the home
        folder. None by default: `default_folder`.

    Warns
    -----
    StoreWarning
        If the file is damaged: it is renamed, and a new one is created. Also once if the store cannot be used, because
        its folder cannot be created or written, the home folder is not known, or a newer twoflow has made the file.
        Then the store finds nothing and keeps nothing.
    """

    def __init__(self, folder: str | os.PathLike | None = None) -> None:
        self._given = folder
        self._obstacle: str | None = None  # why the folder is not known
        try:
            self.folder = default_folder() if folder is None else _expand(folder)
        except ValueError as error:
            self.folder, self._obstacle = Path("~" if folder is None else folder), str(error)
        self._connection: sqlite3.Connection | None = None
        self._process = os.getpid()
        self._has_failed = False
        self._lock = RLock()

    def get(
        self, fingerprint: str, images: Sequence[bytes], width: int, dtype: np.typing.DTypeLike
    ) -> dict[bytes, np.ndarray]:
        """Look up the features of images.

        Parameters
        ----------
        fingerprint : str
            The cache key of the flow.
        images : sequence of bytes
            The keys of the images.
        width : int
            The number of features of an image.
        dtype : dtype
            Their type.

        Returns
        -------
        dict of bytes to ndarray of shape (width,)
            By image. Images without features in the store are left out.
        """
        found: dict[bytes, np.ndarray] = {}
        for start in range(0, len(images), database.MAX_IMAGES):
            read = partial(
                database.read_vectors, fingerprint=fingerprint, images=images[start:start + database.MAX_IMAGES],
                width=width, dtype=np.dtype(dtype),
            )
            nothing: dict[bytes, np.ndarray] = {}
            found.update(self._attempt(read, nothing))
        return found

    def put(self, fingerprint: str, name: str, vectors: Mapping[bytes, np.ndarray]) -> None:
        """Keep features of a flow, either all of them or none.

        When this returns, they are on the disk (fsync). A crash of the process or the system does not lose them, as
        long as the disk keeps what it has confirmed.

        Parameters
        ----------
        fingerprint : str
            The cache key of the flow.
        name : str
            The flow's class and parameters, which `flows` returns.
        vectors : mapping of bytes to ndarray of shape (width,)
            The features by image.
        """
        self._attempt(partial(database.write_vectors, fingerprint=fingerprint, name=name, vectors=vectors), None)

    def holds(self, fingerprint: str) -> bool:
        """Check whether there are features of a flow, given its cache key."""
        return self._attempt(partial(database.has_vectors, fingerprint=fingerprint), False)

    def flows(self) -> list[StoredFlow]:
        """List the flows that have features in the store, the flow with the latest use first."""
        return self._attempt(database.list_flows, [])

    def get_result(self, key: str) -> bytes | None:
        """Look up the result of finished work; None if there is none under this key."""
        return self._attempt(partial(database.read_result, key=key), None)

    def put_result(self, key: str, content: bytes) -> None:
        """Keep the result of finished work, in place of one with the same key. It is on the disk when this returns."""
        self._attempt(partial(database.write_result, key=key, content=content), None)

    def results(self) -> StoredResults:
        """Count the results of finished work in the store."""
        return self._attempt(database.count_results, StoredResults(0, 0, 0))

    @property
    def is_usable(self) -> bool:
        """Whether the store works; False after an error that ended its use."""
        return not self._has_failed

    def exists(self) -> bool:
        """Check whether the store has a file: whether anything was ever kept in it."""
        return os.path.exists(self._files()[0])

    @property
    def n_bytes(self) -> int:
        """The size on disk in bytes."""
        return sum(os.path.getsize(file) for file in self._files() if os.path.exists(file))

    def prune(self, older_than: float | None = None, max_bytes: int | None = None) -> Pruned:
        """Delete features and results, those with the oldest use first, and give their space back to the system.

        Parameters
        ----------
        older_than : float, optional
            Delete what was not used for more than this many days. None by default: nothing for its age.
        max_bytes : int, optional
            Delete until features and results take at most this many bytes. None by default: nothing for its size.

        Returns
        -------
        Pruned
            How many vectors and how many results were deleted.
        """
        delete = partial(database.delete_unused, older_than=older_than, max_bytes=max_bytes)
        return self._attempt(delete, Pruned(0, 0))

    def close(self) -> None:
        """Close the file. The next use opens it again."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def _attempt(self, action: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        """Return the action's result, or `otherwise` if the store cannot be used."""
        with self._lock:
            for is_retry in (False, True):
                if self._has_failed:
                    break
                try:
                    return action(self._open())
                except database.ERRORS as error:
                    if is_retry or not database.is_damage(error) or not self._set_aside(error):
                        self._give_up(error)
        return otherwise

    def _open(self) -> sqlite3.Connection:
        if self._process != os.getpid():  # a connection must not be used in a fork
            self._connection, self._process = None, os.getpid()
        if self._connection is None:
            if self._obstacle is not None:
                raise OSError(self._obstacle)
            self.folder.mkdir(parents=True, exist_ok=True)
            self._connection = database.connect(self._files()[0])
        return self._connection

    def _set_aside(self, error: Exception) -> bool:
        """Rename the damaged file, so that a new one can be created; return whether that was possible."""
        self.close()
        mark = f".damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        try:
            for file in self._files():
                with suppress(FileNotFoundError):  # another process has just renamed it
                    file.rename(file.with_name(file.name + mark))
        except OSError:  # in a read-only folder
            return False
        _warn(
            f"the store {self.folder / _FILE} is damaged ({error}): it is set aside as {_FILE}{mark}, and a new one is "
            "created"
        )
        return True

    def _give_up(self, error: Exception) -> None:
        self.close()
        self._has_failed = True
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
        _warn(f"the store in {self.folder} cannot be used ({reason}): features are computed, but not kept")

    def _files(self) -> list[Path]:
        return [self.folder / f"{_FILE}{suffix}" for suffix in ("", "-wal", "-shm")]

    def __repr__(self) -> str:
        return f"FeatureStore({os.fspath(self.folder)!r})"

    def __deepcopy__(self, memo: dict) -> Self:
        return self  # clones of a flow share the store

    def __reduce__(self) -> tuple:
        return type(self), (self.folder if self._obstacle is None else self._given,)


#: What a parameter `store` may be: a folder, a store, or None to keep nothing.
StoreLike: TypeAlias = str | os.PathLike | FeatureStore | None


def open_store(store: StoreLike) -> FeatureStore | None:
    """Open the store that the parameter `store` of flows and comparisons gives; return None if that is None."""
    return store if store is None or isinstance(store, FeatureStore) else FeatureStore(store)


def _expand(folder: str | os.PathLike) -> Path:
    """Replace a leading ``~`` by the home folder; ValueError if that is not known, instead of a folder named ``~``."""
    expanded = expand(folder)
    if os.fspath(expanded).startswith("~"):
        raise InputError(f"the home folder of {os.fspath(folder)} is not known; set HOME, or name a folder in full")
    return expanded


def _warn(message: str) -> None:
    warnings.warn(message, StoreWarning, stacklevel=2)
