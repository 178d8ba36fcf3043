"""Choose where a command writes, so that nothing earlier is replaced in silence."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple, Protocol

from .._files import expand
from .._text import escape_controls


class Output(NamedTuple):
    """A folder or file that can be written, and what to say at the end of an earlier one; the note may be empty."""

    path: Path
    note: str


def choose_output(arguments: Namespace, files: Sequence[str] = ()) -> Output:
    """Choose the folder or file that a command writes to, before the work.

    If what the arguments name is there already, ``--overwrite`` replaces it. Otherwise a person at a terminal is asked.
    Without a terminal the command writes beside it, to a name with a number: ``NAME-2``, ``NAME-3``, ... for a folder,
    ``NAME-2.csv``, ``NAME-3.csv``, ... for a file.

    Parameters
    ----------
    arguments : Namespace
        With the attributes `out` and `overwrite`.
    files : sequence of str
        The names of all files that a report may have; `out` is then the folder of the report. Empty by default: `out`
        is a single file.

    Returns
    -------
    Output
        The folder, or that of the file, exists and is writable.

    Raises
    ------
    OutsideError
        If the folder cannot be written.
    KeyboardInterrupt
        If the answer is to stop.
    """
    kind: _Kind = _Report(files) if files else _File()
    named = expand(arguments.out)
    earlier = kind.earlier(named)
    if not earlier:
        return Output(kind.check(named), "")
    beside = next(path for number in count(2) if kind.is_free(path := kind.numbered(named, number)))
    if arguments.overwrite or _ask(named, kind.noun, earlier, beside):
        return Output(kind.check(named), kind.replaced)
    return Output(kind.check(beside), f"; {named} {kind.there}, which --overwrite would replace")


class _Kind(Protocol):
    """What `out` names: its words for messages, and what is there already."""

    noun: str
    there: str
    replaced: str

    def earlier(self, path: Path) -> list[Path]:
        """Return the files that would be replaced, those written last at the end."""

    def numbered(self, path: Path, number: int) -> Path:
        """Return the path beside it with a number."""

    def is_free(self, path: Path) -> bool:
        """Return whether nothing would be replaced there."""

    def check(self, path: Path) -> Path:
        """Check that it can be written, and create its folder."""


class _Report:
    """A folder with the files of a report."""

    noun = "has a report of"
    there = "has an earlier report"
    replaced = "; they replace an earlier report"

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files

    def earlier(self, path: Path) -> list[Path]:
        # A folder is no file of a report; a link that leads nowhere is, since the new file would replace it.
        found = [file for name in self._files if os.path.lexists(file := path / name) and not file.is_dir()]
        return sorted(found, key=lambda file: file.lstat().st_mtime)

    def numbered(self, path: Path, number: int) -> Path:
        base = path if path.name not in ("", "..") else path.resolve()
        return Path(f"{base}-{number}")

    def is_free(self, path: Path) -> bool:
        if not os.path.lexists(path):
            return True
        return path.is_dir() and not any(os.path.lexists(path / name) for name in self._files)

    def check(self, path: Path) -> Path:
        from ..report import check_output_folder

        return check_output_folder(path, self._files)


class _File:
    """A single file."""

    noun = "was written"
    there = "is an earlier file"
    replaced = "; it replaces an earlier file"

    def earlier(self, path: Path) -> list[Path]:
        return [path] if os.path.lexists(path) and not path.is_dir() else []

    def numbered(self, path: Path, number: int) -> Path:
        return path.with_name(f"{path.stem}-{number}{path.suffix}")

    def is_free(self, path: Path) -> bool:
        return not os.path.lexists(path)

    def check(self, path: Path) -> Path:
        from ..report import check_output_folder

        return check_output_folder(path.parent, [path.name]) / path.name


def _ask(named: Path, what: str, earlier: Sequence[Path], beside: Path) -> bool:
    """Ask whether to replace what is there; False, without a terminal or if the answer is to write beside it.

    Raises
    ------
    KeyboardInterrupt
        If the answer is to stop.
    """
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    written = time.strftime("%Y-%m-%d %H:%M", time.localtime(earlier[-1].lstat().st_mtime))
    question = (
        f"{named} {what} {written}. Overwrite it, write beside it to {beside}, or stop? [o/b/s, default b] "
    )
    while True:
        print(escape_controls(question), end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline().strip().lower()[:1]
        if answer == "s":
            raise KeyboardInterrupt
        if answer in ("", "b", "o"):
            return answer == "o"
