"""Read a network's files, each once and whole, so that the digest describes exactly the bytes that are used."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .._files import open_regular
from ..errors import InputError

#: Device, inode, size, and times in nanoseconds: at least one of them changes when a file changes.
Stamp = tuple[int, ...]
MAX_VALUES = 2**28  # in one layer: 1 GiB as float32, more than any network for photos needs
#: What is found in place of a file that was not downloaded, by its first bytes.
_STAND_INS = (
    (b"version https://git-lfs", "a pointer of Git LFS; run git lfs pull, or download the file itself"),
    (b"<!doctype html", "a web page; delete it, and download the file again"),
    (b"<html", "a web page; delete it, and download the file again"),
)
MAX_BYTES = 2**31  # protobuf's own limit, and so the limit of all files of an ONNX graph together


class Content(NamedTuple):
    """The content of a file at the moment it was read.

    Attributes
    ----------
    path : Path
    stamp : Stamp
        The file's stamp, to notice a later change.
    data : bytes
    digest : str
        SHA-256 of `data`.
    name : str
        The name by which an ONNX file names this one. Empty by default.
    """

    path: Path
    stamp: Stamp
    data: bytes
    digest: str
    name: str = ""


def read_content(path: Path, limit: int = MAX_BYTES) -> Content:
    """Read a regular file.

    Parameters
    ----------
    path : Path
    limit : int
        The largest size in bytes that is read. 2 GiB by default.

    Returns
    -------
    Content

    Raises
    ------
    ValueError
        If the file does not exist, is no regular file, cannot be read, or has more than `limit` bytes. Also if it is
        a pointer of Git LFS, or a web page that was downloaded instead of the file.
    """
    try:
        with open_regular(path) as file:
            status = os.fstat(file.fileno())
            # The extra byte reveals a file that grows while it is read. `read` allocates what it is asked for, so it
            # is asked for the file's size and not for the limit.
            data = b"" if status.st_size > limit else file.read(status.st_size + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    if status.st_size > limit:
        raise InputError(f"{path}: expected at most {limit} bytes, got {status.st_size}")
    if len(data) != status.st_size:
        raise InputError(f"{path} changed while it was read; try again when it is complete")
    for beginning, what in _STAND_INS:
        if data[:100].lstrip().lower().startswith(beginning):
            raise InputError(f"{path}: expected the file itself, got {what}")
    return Content(path, _stamp(status), data, hashlib.sha256(data).hexdigest())


def join_digests(contents: Iterable[Content]) -> str:
    """Join the digests of several files to one text."""
    return " ".join(content.digest for content in contents)


def find_stamp(path: Path) -> Stamp | None:
    """Return the current stamp of a file, or None if it does not exist."""
    try:
        return _stamp(os.stat(path))
    except (OSError, ValueError):
        return None


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
