"""Choose the folder of a report, or the file of a model, so that nothing earlier is replaced in silence."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

from .._files import expand
from .._text import escape_controls
from ..errors import OutsideError


class Output(NamedTuple):
    """A folder that can be written, and what to say at the end of an earlier report; the note may be empty."""

    folder: Path
    note: str


def choose_output(arguments: Namespace, files: Sequence[str]) -> Output:
    """Choose the folder that a command writes its report to, before the work.

    If the folder that the arguments name already has a report, ``--overwrite`` replaces it. Otherwise a person at a
    terminal is asked. Without a terminal the report is written beside it, to a folder with a number: ``NAME-2``,
    ``NAME-3``, ...

    Parameters
    ----------
    arguments : Namespace
        With the attributes `out` and `overwrite`.
    files : sequence of str
        The names of all files that such a report may have.

    Returns
    -------
    Output
        The folder exists, and is writable.

    Raises
    ------
    OutsideError
        If the folder cannot be written.
    KeyboardInterrupt
        If the answer is to stop.
    """
    from ..report import check_output_folder

    named = expand(arguments.out)
    earlier = _earlier(named, files)
    if not earlier:
        return Output(check_output_folder(named, files), "")
    base = named if named.name not in ("", "..") else named.resolve()
    beside = next(folder for number in count(2) if _is_free(folder := Path(f"{base}-{number}"), files))
    if arguments.overwrite or _ask(f"{named} has a report", earlier[-1], beside):
        return Output(check_output_folder(named, files), "; they replace an earlier report")
    note = f"; {named} has an earlier report, which --overwrite would replace"
    return Output(check_output_folder(beside, files), note)


class OutputFile(NamedTuple):
    """A file that can be written, and what to say at the end of an earlier file; the note may be empty."""

    path: Path
    note: str


def choose_output_file(arguments: Namespace) -> OutputFile:
    """Choose the file that a command writes, before the work.

    If the file that the arguments name exists, ``--overwrite`` replaces it. Otherwise a person at a terminal is asked.
    Without a terminal the new file is beside it, with a number: ``NAME-2.twoflow``, ``NAME-3.twoflow``, ...

    Parameters
    ----------
    arguments : Namespace
        With the attributes `out` and `overwrite`.

    Returns
    -------
    OutputFile
        Its folder exists, and is writable. The file is not made.

    Raises
    ------
    OutsideError
        If the file cannot be written.
    KeyboardInterrupt
        If the answer is to stop.
    """
    named = expand(arguments.out)
    if named.is_dir():
        raise OutsideError(f"{named}: expected a file to write, got a folder; name a file in it")
    if not os.path.lexists(named):
        return OutputFile(_check_file(named), "")
    beside = next(
        path for number in count(2)
        if not os.path.lexists(path := named.with_name(f"{named.stem}-{number}{named.suffix}"))
    )
    if arguments.overwrite or _ask(f"{named} is a file", named, beside):
        return OutputFile(_check_file(named), "; it replaces an earlier file")
    return OutputFile(_check_file(beside), f"; {named} is an earlier file, which --overwrite would replace")


def _check_file(path: Path) -> Path:
    """Make the folder of a file, and check that files can be written there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            return path
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutsideError(f"{path}: cannot be written, {reason}; name another file") from error


def _is_free(folder: Path, files: Sequence[str]) -> bool:
    """Return whether nothing has the name of the folder, or it is a folder without any of the files."""
    if not os.path.lexists(folder):
        return True
    return folder.is_dir() and not any(os.path.lexists(folder / name) for name in files)


def _earlier(folder: Path, files: Sequence[str]) -> list[Path]:
    """Return the files of an earlier report in a folder, those written last at the end."""
    # A folder is no file of a report; a link that leads nowhere is, since the new file would replace it.
    found = [path for name in files if os.path.lexists(path := folder / name) and not path.is_dir()]
    return sorted(found, key=lambda file: file.lstat().st_mtime)


def _ask(what: str, last: Path, beside: Path) -> bool:
    """Ask whether to replace what an earlier run has written.

    Parameters
    ----------
    what : str
        What there is, such as "shoes-report has a report".
    last : Path
        The file that was written last.
    beside : Path
        Where to write otherwise.

    Returns
    -------
    bool
        False without a terminal, or if the answer is to write beside it.

    Raises
    ------
    KeyboardInterrupt
        If the answer is to stop.
    """
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    written = time.strftime("%Y-%m-%d %H:%M", time.localtime(last.lstat().st_mtime))
    question = f"{what} of {written}. Overwrite it, write beside it to {beside}, or stop? [o/b/s, default b] "
    while True:
        print(escape_controls(question), end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline().strip().lower()[:1]
        if answer == "s":
            raise KeyboardInterrupt
        if answer in ("", "b", "o"):
            return answer == "o"
