"""Reading a network's files: each once and whole, so that its digest is of the very bytes that are used."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from .._files import open_regular
from ..errors import InputError

#: What changes when a file does: device, inode, size, and times in nanoseconds.
Stamp = tuple[int, ...]
MAX_VALUES = 2**28  # in one layer: 1 GiB, more than any network for photos needs
MAX_BYTES = 2**31  # protobuf's own limit, and so what the files of an ONNX graph may have together


class Content(NamedTuple):
    """What was in a file when it was read.

    Attributes
    ----------
    path : Path
    stamp : Stamp
    data : bytes
    digest : str
        SHA-256 of `data`.
    """

    path: Path
    stamp: Stamp
    data: bytes
    digest: str


def read_content(path: Path, limit: int = MAX_BYTES) -> Content:
    """Read a regular file.

    Raises
    ------
    ValueError
        If there is no such file, it is no regular file, cannot be read, or has more than `limit` bytes.
    """
    try:
        with open_regular(path) as file:
            status = os.fstat(file.fileno())
            # Nothing is read of a file that is too large; of one that grows meanwhile, one byte too many. What may be
            # read is allocated before, so the limit itself must not be asked for.
            data = b"" if status.st_size > limit else file.read(status.st_size + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if status.st_size > limit:
        raise InputError(f"{path} is over the limit of {limit} bytes")
    if len(data) != status.st_size:
        raise InputError(f"{path} is being written to; try again")
    return Content(path, _stamp(status), data, hashlib.sha256(data).hexdigest())


def find_stamp(path: Path) -> Stamp | None:
    """The stamp of a file as it is now; None if there is none."""
    try:
        return _stamp(os.stat(path))
    except (OSError, ValueError):
        return None


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
