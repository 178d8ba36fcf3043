"""Features by the content of the image and the fingerprint of the flow, in one SQLite file.

An entry is a vector with its checksum. What is damaged is computed again, never served; and since a store only saves
work, it never stops any: where the disk is full, the folder read-only, the file damaged or the home folder unknown,
there is one warning, and the work goes on.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import struct
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple, Self, TypeAlias, TypeVar

import numpy as np
from platformdirs import user_cache_path

from .._files import expand
from ..errors import InputError

_T = TypeVar("_T")

_FILE = "features.sqlite"
#: In the file's header: that it is a store, and of which layout.
_APPLICATION, _LAYOUT = 0x74776F66, 1
_SCHEMA = (
    "CREATE TABLE flow (id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, name TEXT NOT NULL)",
    "CREATE TABLE feature (flow INTEGER NOT NULL, image BLOB NOT NULL, checksum INTEGER NOT NULL, "
    "day INTEGER NOT NULL, vector BLOB NOT NULL, UNIQUE (flow, image))",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_LAYOUT}",
)
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
#: What Python raises for texts and numbers of a damaged file: `UnicodeDecodeError` is a ValueError.
_NONSENSE = (ValueError, OverflowError, struct.error)
_DAY_S = 86_400
_PATIENCE_S = 30.0  # for another process that is writing
_QUERY = 500  # images; SQLite takes 999 variables at least


class StoreWarning(UserWarning):
    """A store was damaged, or cannot be used; the features themselves are not affected."""


class StoredFlow(NamedTuple):
    """What a store holds of one flow: its last use in days since 1970, and the size of its vectors."""

    name: str
    n_images: int
    n_bytes: int
    day: int


def default_folder() -> Path:
    """The folder of the store that commands use: twoflow's in the user's cache.

    Raises
    ------
    ValueError
        If the user's home folder is not known.
    """
    try:
        return _expand(user_cache_path("twoflow", appauthor=False))
    except RuntimeError:  # newer versions of platformdirs; older ones give a path with ~ in it
        return _expand("~")


class FeatureStore:
    """Vectors of features on disk, which any number of processes may share.

    Parameters
    ----------
    folder : path, optional
        The folder of its file, made when it is first needed; `default_folder` when not given. A ``~`` at the beginning
        is the home folder.

    Warns
    -----
    StoreWarning
        Once, if the file is damaged: it is set aside and a new one begun; or if it cannot be used, because its folder
        cannot be made or written, the home folder is not known, or a newer twoflow has made it: nothing is found then
        and nothing kept.
    """

    def __init__(self, folder: str | os.PathLike | None = None) -> None:
        self._named = folder
        self._obstacle: str | None = None  # why it has no folder
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
        """The vectors of those images that the store has for a flow, each of shape (width,)."""
        found: dict[bytes, np.ndarray] = {}
        for start in range(0, len(images), _QUERY):
            query = _Query(fingerprint, images[start:start + _QUERY], width, np.dtype(dtype))
            nothing: dict[bytes, np.ndarray] = {}
            found.update(self._attempt(query.run, nothing))
        return found

    def put(self, fingerprint: str, name: str, vectors: Mapping[bytes, np.ndarray]) -> None:
        """Keep a flow's vectors by image, all or none of them.

        When this returns they have been handed to the disk (fsync), so neither the end of the process nor that of the
        system loses them, as long as the disk keeps what it has confirmed.
        """
        day = _today()

        def put(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                connection.execute("INSERT OR IGNORE INTO flow (fingerprint, name) VALUES (?, ?)", (fingerprint, name))
                row = connection.execute("SELECT id FROM flow WHERE fingerprint = ?", (fingerprint,)).fetchone()
                if row is None:
                    raise InputError("a flow that was written is not found")
                connection.executemany(
                    "INSERT OR REPLACE INTO feature (flow, image, checksum, day, vector) VALUES (?, ?, ?, ?, ?)",
                    ((row[0], image, zlib.crc32(content), day, content)
                     for image, content in ((image, vector.tobytes()) for image, vector in vectors.items())),
                )

        self._attempt(put, None)

    def holds(self, fingerprint: str) -> bool:
        """Whether there is anything of a flow."""
        query = "SELECT 1 FROM feature JOIN flow ON flow.id = flow WHERE fingerprint = ? LIMIT 1"
        return self._attempt(lambda connection: connection.execute(query, (fingerprint,)).fetchone(), None) is not None

    def flows(self) -> list[StoredFlow]:
        """What it holds, the flow that was last used first."""
        query = (
            "SELECT name, COUNT(*), SUM(LENGTH(vector)), MAX(day) FROM feature JOIN flow ON flow.id = flow "
            "GROUP BY flow ORDER BY 4 DESC, 3 DESC"
        )
        return self._attempt(lambda connection: [_check_flow(row) for row in connection.execute(query)], [])

    @property
    def is_usable(self) -> bool:
        """Whether nothing has yet gone wrong that ended its use."""
        return not self._has_failed

    def exists(self) -> bool:
        """Whether anything was ever kept in it."""
        return os.path.exists(self._files()[0])

    @property
    def n_bytes(self) -> int:
        """Its size on disk."""
        return sum(os.path.getsize(file) for file in self._files() if os.path.exists(file))

    def prune(self, older_than: float | None = None, max_bytes: int | None = None) -> int:
        """Take out vectors, the longest unused first, and give their space back.

        Parameters
        ----------
        older_than : float, optional
            Days; what was used since is kept.
        max_bytes : int, optional
            How much the vectors may take at most.

        Returns
        -------
        int
            How many were taken out.
        """

        def prune(connection: sqlite3.Connection) -> int:
            before = connection.total_changes
            with _transaction(connection):
                if older_than is not None:
                    connection.execute("DELETE FROM feature WHERE day < ?", (_today() - older_than,))
                if max_bytes is not None:
                    connection.execute(
                        "DELETE FROM feature WHERE rowid IN (SELECT rowid FROM (SELECT rowid, SUM(LENGTH(vector)) "
                        "OVER (ORDER BY day DESC, rowid DESC) AS total FROM feature) WHERE total > ?)", (max_bytes,),
                    )
                n_pruned = connection.total_changes - before
                connection.execute("DELETE FROM flow WHERE id NOT IN (SELECT flow FROM feature)")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return n_pruned

        return self._attempt(prune, 0)

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def _attempt(self, action: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        """The action's result; or what stands for it in a store that cannot be used."""
        with self._lock:
            for is_retry in (False, True):
                if self._has_failed:
                    break
                try:
                    return action(self._open())
                except (sqlite3.Error, OSError, *_NONSENSE) as error:
                    if is_retry or not _is_damage(error) or not self._set_aside(error):
                        self._give_up(error)
        return otherwise

    def _open(self) -> sqlite3.Connection:
        if self._process != os.getpid():  # a connection must not be carried into a fork
            self._connection, self._process = None, os.getpid()
        if self._connection is None:
            if self._obstacle is not None:
                raise OSError(self._obstacle)
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self._files()[0]
            if file.exists() and not file.is_file():  # SQLite would wait for a named pipe
                raise OSError(errno.EINVAL, "not a regular file", os.fspath(file))
            connection = sqlite3.connect(file, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
            try:
                _prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _set_aside(self, error: Exception) -> bool:
        """Whether the damaged file could be renamed, so that a new one can be begun."""
        self.close()
        mark = f".damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        try:
            for file in self._files():
                with suppress(FileNotFoundError):  # another process has just done it
                    file.rename(file.with_name(file.name + mark))
        except OSError:  # in a read-only folder
            return False
        _warn(f"the store {self.folder / _FILE} is damaged ({error}): set aside as {_FILE}{mark}, and a new one begun")
        return True

    def _give_up(self, error: Exception) -> None:
        self.close()
        self._has_failed = True
        _warn(f"the store in {self.folder} cannot be used ({error}): features are computed, but not kept")

    def _files(self) -> list[Path]:
        return [self.folder / f"{_FILE}{suffix}" for suffix in ("", "-wal", "-shm")]

    def __repr__(self) -> str:
        return f"FeatureStore({os.fspath(self.folder)!r})"

    def __deepcopy__(self, memo: dict) -> Self:
        return self  # clones of a flow share it, as they would the folder

    def __reduce__(self) -> tuple:
        return type(self), (self.folder if self._obstacle is None else self._named,)


#: What a parameter `store` may be: a folder, a store, or None to keep nothing.
StoreLike: TypeAlias = str | os.PathLike | FeatureStore | None


class _Query(NamedTuple):
    """Looks images up, checks what it finds, and notes that it was used."""

    fingerprint: str
    images: Sequence[bytes]
    width: int
    dtype: np.dtype

    def run(self, connection: sqlite3.Connection) -> dict[bytes, np.ndarray]:
        places = ", ".join("?" * len(self.images))
        rows = connection.execute(
            "SELECT feature.rowid, image, checksum, day, vector FROM feature JOIN flow ON flow.id = flow "
            f"WHERE fingerprint = ? AND image IN ({places})", (self.fingerprint, *self.images),
        )
        today, n_bytes = _today(), self.width * self.dtype.itemsize
        found, unmarked = {}, []
        for rowid, image, checksum, day, vector in rows:
            if isinstance(vector, bytes) and len(vector) == n_bytes and zlib.crc32(vector) == checksum:
                found[image] = np.frombuffer(vector, self.dtype)
                if day != today:
                    unmarked.append((today, rowid))
        if unmarked:
            with _transaction(connection):
                connection.executemany("UPDATE feature SET day = ? WHERE rowid = ?", unmarked)
        return found


def _expand(folder: str | os.PathLike) -> Path:
    """The folder with the home folder in it; ValueError where that is not known, or a folder called ``~`` were made."""
    expanded = expand(folder)
    if os.fspath(expanded).startswith("~"):
        raise InputError(f"the home folder of {os.fspath(folder)} is not known; set HOME, or name a folder in full")
    return expanded


def _check_flow(row: tuple[Any, ...]) -> StoredFlow:
    """SQLite lets any column hold any type, and a damaged file does."""
    if [type(value) for value in row] != [str, int, int, int]:
        raise InputError(f"a flow is described by {row!r:.80}")
    return StoredFlow(*row)


def _prepare(connection: sqlite3.Connection) -> None:
    application, layout = _header(connection)  # before anything is written into a file that is not ours
    if application == _APPLICATION and layout > _LAYOUT:
        raise _NewerLayoutError(f"a newer twoflow has made it, layout {layout}; this one knows {_LAYOUT}")
    connection.execute("PRAGMA journal_mode = WAL")  # readers and a writer do not wait for each other
    connection.execute("PRAGMA synchronous = FULL")  # an fsync for each commit of up to 256 vectors: 3 % of its time
    with _transaction(connection):  # two processes may find an empty file at the same time
        header = _header(connection)
        if header == (0, 0) and not connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
            for statement in _SCHEMA:
                connection.execute(statement)
            header = _header(connection)
    if header != (_APPLICATION, _LAYOUT):
        raise _NotAStoreError("it is of another program or version")


def _header(connection: sqlite3.Connection) -> tuple[Any, ...]:
    return tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class _NotAStoreError(sqlite3.DatabaseError):
    pass


class _NewerLayoutError(sqlite3.DatabaseError):
    pass


def _is_damage(error: Exception) -> bool:
    if isinstance(error, (_NotAStoreError, *_NONSENSE)):
        return True
    if type(error) is sqlite3.OperationalError and not hasattr(error, "sqlite_errorcode"):
        return True  # Python's own: text in a column that is not UTF-8
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says more closely what kind
    return code in _DAMAGE


def _today() -> int:
    return int(time.time()) // _DAY_S


def _warn(message: str) -> None:
    warnings.warn(message, StoreWarning, stacklevel=2)
