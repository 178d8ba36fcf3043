"""The folder of a store that keeps the state of trainings, so that a stopped one goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_FOLDER = "trainings"
_DAY = 86_400  # seconds


class StoredTrainings(NamedTuple):
    """What the trainings of a store take: their number, their bytes, and the day of the last use since 1970."""

    n_trainings: int
    n_bytes: int
    day: int


class _File(NamedTuple):
    path: Path
    n_bytes: int
    used: float


class Trainings:
    """The files of trainings in a store. Each is written by the training that it belongs to.

    Parameters
    ----------
    store : path
        The folder of the store.

    Attributes
    ----------
    folder : Path
        Where the files are: what a training takes as its `checkpoint`.
    """

    def __init__(self, store: str | os.PathLike) -> None:
        self.folder = Path(store) / _FOLDER

    def describe(self) -> StoredTrainings:
        """Return how many trainings there are, and what they take."""
        files = list(self._files())
        return StoredTrainings(
            len(files), sum(file.n_bytes for file in files), int(max((file.used for file in files), default=0) // _DAY)
        )

    def prune(self, older_than: float | None = None, max_bytes: int | None = None) -> int:
        """Delete trainings, those with the oldest use first. A training that is deleted while it runs writes anew.

        Parameters
        ----------
        older_than : float, optional
            Delete what was not used for more than this many days. None by default: nothing for its age.
        max_bytes : int, optional
            Delete until the rest takes at most this many bytes. None by default: nothing for its size.

        Returns
        -------
        int
            How many were deleted.
        """
        files = sorted(self._files(), key=lambda file: file.used)
        left, n_deleted, now = sum(file.n_bytes for file in files), 0, time.time()
        for file in files:
            is_old = older_than is not None and now - file.used > older_than * _DAY
            if is_old or max_bytes is not None and left > max_bytes:
                file.path.unlink(missing_ok=True)
                left -= file.n_bytes
                n_deleted += 1
        return n_deleted

    def _files(self) -> Iterator[_File]:
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            try:
                found = path.stat()
            except FileNotFoundError:  # a training has replaced it
                continue
            yield _File(path, found.st_size, found.st_mtime)
