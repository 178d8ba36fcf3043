"""Open regular files only: no pipe that never ends, no device, no folder."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

#: What a path may lead to instead of a regular file, and its name in errors.
_OTHER_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
# Without O_NONBLOCK, opening a pipe waits for a writer, forever if there is none. Windows has only O_BINARY.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: str | os.PathLike) -> BinaryIO:
    """Open a regular file, or a link to one, for reading.

    Parameters
    ----------
    path : str or Path
        The path of the file. A leading ``~`` means the home folder.

    Returns
    -------
    binary file

    Raises
    ------
    OSError
        If there is no such file; if reading it is not permitted; if it is a folder, a named pipe, a socket or a device;
        or if no file can have this name. `strerror` says which.
    """
    path = os.path.expanduser(os.fspath(path))
    try:
        descriptor = os.open(path, _FLAGS)
    except ValueError as error:  # a NUL, or characters that the file system cannot encode
        raise OSError(errno.EINVAL, f"no file can have this name ({error})") from None
    except OSError as error:
        if error.errno == errno.ENXIO:  # raised for a socket
            raise OSError(errno.ENXIO, "a socket, not a regular file", path) from None
        raise
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(mode):
            kind = next((name for is_kind, name in _OTHER_KINDS if is_kind(mode)), "something else")
            raise OSError(errno.EINVAL, f"{kind}, not a regular file", path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def expand(path: str | os.PathLike) -> Path:
    """Replace a leading ``~`` or ``~user`` of a path by the home folder."""
    return Path(os.path.expanduser(os.fspath(path)))
