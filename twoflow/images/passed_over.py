"""Files and folders that are not taken for images, by the reason: nothing is left out without being named."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from . import reading

#: Files and folders that programs and systems leave between images, in lower case. Thumbnails in them would be read as
#: further images of the class.
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
MACHINE = "files and folders made by machines"
NO_ENDING = "files without an ending (rename them to end in .jpg or what they are)"
WITH_QUERY = "files with a query behind their ending (rename them to end in .jpg or what they are)"
NO_IMAGE = "class folders without an image"
STRAY = "images above the class folders"

_NAMED = 3  # how many paths a line names
_ENDING = re.compile(r"\.(?=[0-9]*[a-z])[a-z0-9]{1,8}\Z")
_QUERY = re.compile(r"(\.[a-z0-9]{1,8})[?&#;=%]")


class PassedOver(NamedTuple):
    """What was not taken for one reason.

    Attributes
    ----------
    reason : str
        What these are, in the plural, such as "files with the ending .txt".
    paths : tuple of str
        Paths, or URLs without their secrets; a folder is listed instead of what is in it.
    """

    reason: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.reason}: {len(self.paths):,} ({name_first(self.paths)})"


def name_first(names: Iterable[object], most: int = _NAMED) -> str:
    """The first few names, and how many more there are.

    Examples
    --------
    >>> name_first("abcde")
    'a, b, c and 2 more'
    """
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def count_paths(passed_over: Iterable[PassedOver]) -> int:
    """How many files and folders were passed over for all reasons together."""
    return sum(len(each.paths) for each in passed_over)


def reason_of_name(name: str) -> str | None:
    """Why a file or folder of this name is passed over, whatever is in it; None if it is not."""
    if name.lower() in MACHINE_MADE:
        return MACHINE
    return HIDDEN if name.startswith(".") else None


def reason_of_ending(name: str, readable: frozenset[str]) -> str | None:
    """Why a file of this name is not taken for an image; None if it is.

    Parameters
    ----------
    name : str
    readable : frozenset of str
        What `readable_suffixes` says; asked once for many names, as it looks for installed libraries.
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
