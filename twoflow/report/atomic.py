"""Write several files together: all of them or none, even after an interruption."""

from __future__ import annotations

import errno
import os
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .._files import expand, reason_of, stage
from ..errors import OutsideError


def check_output_folder(folder: str | os.PathLike, names: Sequence[str] = ()) -> Path:
    """Create the folder and check that it is writable, before the work instead of after it.

    Parameters
    ----------
    folder : path
    names : sequence of str
        The names of the files to be written there. By default none is checked.

    Raises
    ------
    OutsideError
        If the folder is not writable, or has a folder with the name of one of the files; the message names it.
    """
    folder = expand(folder)
    for name in names:
        if (folder / name).is_dir():
            raise OutsideError(f"{folder / name}: expected no such folder, since a file with this name is written; "
                               "name another output folder")
    try:
        if os.path.lexists(folder) and not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _named(f"cannot write to the output folder {folder}", error, "name another one") from error
    return folder


def replace_files(folder: Path, contents: Mapping[str, str], names: Sequence[str] = ()) -> list[Path]:
    """Write the files of a report into a folder, in place of those of an earlier report.

    The contents are first written completely to files without a name, which vanish with the process. Then the files get
    their names, while signals wait. So a full disk or a signal leaves all old files or all new ones. A kill in that
    moment can leave some of each, all of them complete.

    Parameters
    ----------
    folder : Path
    contents : mapping of str to str
        The text of each file by its name. Characters that are not Unicode, as in some file names, are escaped.
    names : sequence of str
        The names of all files that a report may have. Those that are not in `contents` are removed. By default there
        are none.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    OutsideError
        If a file cannot be written; the message names it, and no file is changed.
    """
    with ExitStack() as stack:
        parts = {}
        for name, content in contents.items():
            path = folder / name
            try:
                if path.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                parts[path] = stack.enter_context(stage(path, content.encode("utf-8", "backslashreplace")))
            except OSError as error:
                remedy = "none of the files was written; make room, or name another folder"
                raise _named(f"cannot write {path}", error, remedy) from error
        with _signals_held():
            for part in parts.values():
                part.give_name()
            for path, part in parts.items():
                part.path.replace(path)
            for name in set(names) - set(contents):
                (folder / name).unlink(missing_ok=True)
    return list(parts)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Delay signals that end the process until the block ends."""
    arrived: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():  # Python handles signals in this thread
        numbers = (getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP"))
        before = {number: handler for number in numbers if number and (handler := signal.getsignal(number)) is not None}
    for number in before:
        signal.signal(number, lambda number, frame: arrived.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in arrived:
            signal.raise_signal(number)


def _named(what: str, error: OSError, remedy: str) -> OutsideError:
    return OutsideError(f"{what}: {reason_of(error)}; {remedy}")
