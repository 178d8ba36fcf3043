"""Open regular files only: no pipe that never ends, no device, no folder. Write files completely or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

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


def reason_of(error: OSError) -> str:
    """Say why the system refused something, such as "no space left on device"."""
    return (error.strerror or str(error)).lower()


def write_file(path: Path, content: bytes) -> None:
    """Write a file completely, in place of any file of that name, or not at all; OSError if it cannot be written."""
    with stage(path, content) as part:
        part.give_name()
        part.path.replace(path)


@contextmanager
def stage(path: Path, content: bytes) -> Iterator[StagedFile]:
    """Write the content to a file beside `path`, which is removed afterwards unless it was renamed.

    Where the system can, the file has no name, and so vanishes with the process. Call `give_name`, then rename
    `StagedFile.path`; `write_file` does both.
    """
    part = _open_part(path.with_name(f".{path.name}.{os.getpid()}.part"))
    try:
        with open(part.number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(part.number)
            yield part
    finally:
        part.path.unlink(missing_ok=True)


class StagedFile(NamedTuple):
    """A file that is written completely, and the path for its name."""

    path: Path
    number: int
    has_name: bool

    def give_name(self) -> None:
        if not self.has_name:
            self.path.unlink(missing_ok=True)  # left by a process that had this one's number
            # Python lets the system follow the link only if a folder's number is given; an absolute path ignores it.
            os.link(_by_number(self.number), self.path, src_dir_fd=self.number, follow_symlinks=True)


def _open_part(path: Path) -> StagedFile:
    if hasattr(os, "O_TMPFILE"):
        with suppress(OSError):  # not every file system has files without names
            number = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o666)
            if os.path.exists(_by_number(number)):
                return StagedFile(path, number, has_name=False)
            os.close(number)  # not every system has /proc
    return StagedFile(path, os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o666), has_name=True)


def _by_number(number: int) -> str:
    return f"/proc/self/fd/{number}"
