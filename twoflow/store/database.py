"""The SQLite file of a store: its layout, the statements that read and write it, and what counts as damage.

The file has vectors of features, by flow and image, and results of finished work, such as a fold of a comparison. Each
vector and each result has a checksum and the day of its last use. One whose checksum or size is wrong is not returned.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import struct
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError

#: What reading or writing the file may raise. Damaged texts and numbers give errors of Python, not of SQLite;
#: `UnicodeDecodeError` is a ValueError.
_DAMAGED_VALUE = (ValueError, OverflowError, struct.error)
ERRORS = (sqlite3.Error, OSError, *_DAMAGED_VALUE)

#: In the file's header: the first number says that the file is a store, the second which layout it has.
_APPLICATION, _LAYOUT = 0x74776F66, 3
_SCHEMA = (
    "CREATE TABLE flow (id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, name TEXT NOT NULL)",
    "CREATE TABLE feature (flow INTEGER NOT NULL, image BLOB NOT NULL, checksum INTEGER NOT NULL, "
    "day INTEGER NOT NULL, vector BLOB NOT NULL, UNIQUE (flow, image))",
    "CREATE TABLE result (key TEXT PRIMARY KEY, checksum INTEGER NOT NULL, day INTEGER NOT NULL, "
    "content BLOB NOT NULL)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_LAYOUT}",
)
_DAMAGE_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DAY_S = 86_400
_PATIENCE_S = 30.0  # how long to wait for another process that is writing
MAX_IMAGES = 500  # in one query; every SQLite allows 999 variables


class StoredFlow(NamedTuple):
    """What a store contains of one flow.

    Attributes
    ----------
    name : str
        The flow's class and parameters.
    n_images : int
        How many images have features.
    n_bytes : int
        The size of their vectors.
    day : int
        The day of the last use, in days since 1970.
    """

    name: str
    n_images: int
    n_bytes: int
    day: int


class StoredResults(NamedTuple):
    """The results of finished work that a store contains; `day` is that of the last use, in days since 1970."""

    n_results: int
    n_bytes: int
    day: int


class Pruned(NamedTuple):
    """How many vectors of features, and how many results, were deleted."""

    n_vectors: int
    n_results: int


def connect(file: Path) -> sqlite3.Connection:
    """Open a store's file; a file that does not exist is created.

    Raises
    ------
    OSError
        If there is something else than a regular file.
    sqlite3.Error
        If the file is damaged, is of another program or version, or cannot be read or written.
    """
    if file.exists() and not file.is_file():  # SQLite would wait for a named pipe
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(file))
    connection = sqlite3.connect(file, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    application, layout = _header(connection)  # checked before anything is written into a file that is not ours
    if application == _APPLICATION and layout > _LAYOUT:
        raise _NewerLayoutError(f"a newer twoflow has made it: expected layout {_LAYOUT}, got {layout}; update twoflow")
    connection.execute("PRAGMA journal_mode = WAL")  # readers and a writer do not wait for each other
    connection.execute("PRAGMA synchronous = FULL")  # an fsync for each commit of up to 256 vectors: 3 % of its time
    with _transaction(connection):  # two processes may find an empty file at the same time
        header = _header(connection)
        if header == (0, 0) and not connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
            for statement in _SCHEMA:
                connection.execute(statement)
            header = _header(connection)
    if header != (_APPLICATION, _LAYOUT):
        raise _NotAStoreError("it belongs to another program or version")


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


def is_damage(error: Exception) -> bool:
    """Decide whether one of `ERRORS` means that the file is damaged, rather than that it cannot be used here."""
    if isinstance(error, (_NotAStoreError, *_DAMAGED_VALUE)):
        return True
    if type(error) is sqlite3.OperationalError and not hasattr(error, "sqlite_errorcode"):
        return True  # raised by Python, not by SQLite: a text that is not UTF-8
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the upper bits give details
    return code in _DAMAGE_CODES


def read_vectors(
    connection: sqlite3.Connection, fingerprint: str, images: Sequence[bytes], width: int, dtype: np.dtype
) -> dict[bytes, np.ndarray]:
    """Read the undamaged vectors of some images, and note today as the day of their last use.

    Parameters
    ----------
    connection : Connection
    fingerprint : str
        The cache key of the flow.
    images : sequence of bytes
        The keys of at most `MAX_IMAGES` images.
    width : int
        The length of a vector.
    dtype : dtype
        Its type.

    Returns
    -------
    dict of bytes to ndarray
        Images that the file has no vector for are left out.
    """
    places = ", ".join("?" * len(images))
    rows = connection.execute(
        "SELECT feature.rowid, image, checksum, day, vector FROM feature JOIN flow ON flow.id = flow "
        f"WHERE fingerprint = ? AND image IN ({places})", (fingerprint, *images),
    )
    today, n_bytes = _today(), width * dtype.itemsize
    found, used = {}, []
    for rowid, image, checksum, day, vector in rows:
        if isinstance(vector, bytes) and len(vector) == n_bytes and zlib.crc32(vector) == checksum:
            found[image] = np.frombuffer(vector, dtype)
            if day != today:
                used.append((today, rowid))
    if used:
        with _transaction(connection):
            connection.executemany("UPDATE feature SET day = ? WHERE rowid = ?", used)
    return found


def write_vectors(
    connection: sqlite3.Connection, fingerprint: str, name: str, vectors: Mapping[bytes, np.ndarray]
) -> None:
    """Write vectors of a flow by image, in one transaction.

    Parameters
    ----------
    connection : Connection
    fingerprint : str
        The cache key of the flow.
    name : str
        The flow's class and parameters, for people.
    vectors : mapping of bytes to ndarray
        A vector that the file has already is replaced.
    """
    day = _today()
    with _transaction(connection):
        connection.execute("INSERT OR IGNORE INTO flow (fingerprint, name) VALUES (?, ?)", (fingerprint, name))
        row = connection.execute("SELECT id FROM flow WHERE fingerprint = ?", (fingerprint,)).fetchone()
        if row is None:
            raise InputError("a flow that was just written is missing")
        connection.executemany(
            "INSERT OR REPLACE INTO feature (flow, image, checksum, day, vector) VALUES (?, ?, ?, ?, ?)",
            ((row[0], image, zlib.crc32(content), day, content)
             for image, content in ((image, vector.tobytes()) for image, vector in vectors.items())),
        )


def has_vectors(connection: sqlite3.Connection, fingerprint: str) -> bool:
    """Check whether the file has at least one vector of a flow."""
    query = "SELECT 1 FROM feature JOIN flow ON flow.id = flow WHERE fingerprint = ? LIMIT 1"
    return connection.execute(query, (fingerprint,)).fetchone() is not None


def list_flows(connection: sqlite3.Connection) -> list[StoredFlow]:
    """List the flows that have vectors, the flow with the latest use first."""
    query = (
        "SELECT name, COUNT(*), SUM(LENGTH(vector)), MAX(day) FROM feature JOIN flow ON flow.id = flow "
        "GROUP BY flow ORDER BY 4 DESC, 3 DESC"
    )
    return [_check_flow(row) for row in connection.execute(query)]


def _check_flow(row: tuple[Any, ...]) -> StoredFlow:
    """Check the types, because SQLite lets any column hold any type, and a damaged file may do so."""
    if [type(value) for value in row] != [str, int, int, int]:
        raise InputError(f"expected the name, number of images, bytes and day of a flow, got {row!r:.80}")
    return StoredFlow(*row)


def read_result(connection: sqlite3.Connection, key: str) -> bytes | None:
    """Read an undamaged result, and note today as the day of its last use; None if there is none."""
    row = connection.execute("SELECT checksum, day, content FROM result WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    checksum, day, content = row
    if not isinstance(content, bytes) or zlib.crc32(content) != checksum:
        return None
    if day != _today():
        with _transaction(connection):
            connection.execute("UPDATE result SET day = ? WHERE key = ?", (_today(), key))
    return content


def write_result(connection: sqlite3.Connection, key: str, content: bytes) -> None:
    """Write a result, in place of one with the same key."""
    with _transaction(connection):
        connection.execute(
            "INSERT OR REPLACE INTO result (key, checksum, day, content) VALUES (?, ?, ?, ?)",
            (key, zlib.crc32(content), _today(), content),
        )


def count_results(connection: sqlite3.Connection) -> StoredResults:
    """Count the results."""
    row = connection.execute(
        "SELECT COUNT(*), IFNULL(SUM(LENGTH(content)), 0), IFNULL(MAX(day), 0) FROM result"
    ).fetchone()
    if [type(value) for value in row] != [int, int, int]:
        raise InputError(f"expected the number, bytes and day of results, got {row!r:.80}")
    return StoredResults(*row)


#: Numbers everything from the latest use to the oldest, and adds up the bytes up to there.
_DOOMED_BY_SIZE = (
    "CREATE TEMP TABLE doomed AS SELECT is_result, number FROM ("
    "SELECT is_result, number, SUM(size) OVER (ORDER BY day DESC, is_result DESC, number DESC) AS total FROM ("
    "SELECT 0 AS is_result, rowid AS number, day, LENGTH(vector) AS size FROM feature UNION ALL "
    "SELECT 1, rowid, day, LENGTH(content) FROM result)) WHERE total > ?"
)


def delete_unused(connection: sqlite3.Connection, older_than: float | None, max_bytes: int | None) -> Pruned:
    """Delete vectors and results, and give their space back to the system; see `FeatureStore.prune`."""
    tables = ("feature", "result")

    def delete(table: str, condition: str, *values: float) -> int:
        return connection.execute(f"DELETE FROM {table} WHERE {condition}", values).rowcount

    n_deleted = [0, 0]
    with _transaction(connection):
        if older_than is not None:
            n_deleted = [delete(table, "day < ?", _today() - older_than) for table in tables]
        if max_bytes is not None:
            connection.execute(_DOOMED_BY_SIZE, (max_bytes,))
            for number, table in enumerate(tables):
                chosen = "rowid IN (SELECT number FROM doomed WHERE is_result = ?)"
                n_deleted[number] += delete(table, chosen, number)
            connection.execute("DROP TABLE doomed")
        connection.execute("DELETE FROM flow WHERE id NOT IN (SELECT flow FROM feature)")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Pruned(*n_deleted)


def _today() -> int:
    return int(time.time()) // _DAY_S
