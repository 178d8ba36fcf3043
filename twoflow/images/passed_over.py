"""Name the files and folders that are not used as images, and the reason, so that nothing is left out silently."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from . import reading

#: Files and folders that programs and systems create among images, in lower case. Some hold thumbnails, which would
#: count as images of the class.
MACHINE_MADE = frozenset({
    # network storage: Synology, QNAP, NetApp
    "@eadir", "@tmp", "@sharebin", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", ".@__thumb", "@__thumb",
    ".snapshot", "~snapshot",
    # macOS
    "__macosx", ".appledouble", ".appledb", ".appledesktop", ".ds_store", ".fseventsd", ".spotlight-v100",
    ".temporaryitems", ".trashes", ".trash", "icon\r",
    # Windows
    "$recycle.bin", "recycler", "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini",
    # Linux
    "lost+found", ".thumbnails", ".directory",
    # programs
    ".ipynb_checkpoints", "__pycache__", ".picasaoriginals", ".picasa.ini", "picasa.ini", "_vti_cnf",
})

HIDDEN = "hidden files and folders"
MACHINE = "files and folders created by programs or systems"
NO_ENDING = "files without an ending (rename them to end in their format, such as .jpg)"
WITH_QUERY = "files with a URL query after their ending (rename them to end in their format, such as .jpg)"
NO_IMAGE = "class folders without an image"
STRAY = "images above the class folders"

_NAMED = 3  # paths that a line names
_ENDING = re.compile(r"\.(?=[0-9]*[a-z])[a-z0-9]{1,8}\Z")
_QUERY = re.compile(r"(\.[a-z0-9]{1,8})[?&#;=%]")


class PassedOver(NamedTuple):
    """Files and folders that were passed over for one reason.

    Attributes
    ----------
    reason : str
        What they are, in the plural, such as "files with the ending .txt".
    paths : tuple of str
        Paths, or URLs without their secrets. A folder is listed without its contents.
    """

    reason: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.reason}: {len(self.paths):,} ({name_first(self.paths)})"


def name_first(names: Iterable[object], most: int = _NAMED) -> str:
    """List the first `most` names, and say how many more there are.

    Examples
    --------
    >>> name_first("abcde")
    'a, b, c and 2 more'
    """
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def count_paths(passed_over: Iterable[PassedOver]) -> int:
    """Count the files and folders that were passed over, for all reasons."""
    return sum(len(each.paths) for each in passed_over)


def reason_of_name(name: str) -> str | None:
    """Return why a file or folder of this name is passed over, whatever it contains; None if it is not."""
    if name.lower() in MACHINE_MADE:
        return MACHINE
    return HIDDEN if name.startswith(".") else None


def reason_of_ending(name: str, readable: frozenset[str]) -> str | None:
    """Return why a file of this name does not count as an image; None if it does.

    Parameters
    ----------
    name : str
        The name of the file, without folders.
    readable : frozenset of str
        The result of `readable_suffixes`. It is a parameter because that function looks for installed libraries, which
        is slow for many names.
    """
    ending = os.path.splitext(name)[1].lower()
    if ending in readable:
        return None
    if ending in reading.MISSING_READERS:
        return f"files with the ending {ending} (to read them: {reading.MISSING_READERS[ending]})"
    query = _QUERY.search(name.lower())
    if query and (query[1] in readable or query[1] in reading.MISSING_READERS):
        return WITH_QUERY
    return f"files with the ending {ending}" if _ENDING.match(ending) else NO_ENDING
