"""Find the images of paths that leave the ending open, such as ``images/7.*``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from .._text import listed
from ..errors import InputError
from .reading import describe, readable_suffixes
from .remote import is_url

#: The end of a path, or of an image pattern, that stands for the ending of any image.
ANY_ENDING = ".*"


def find_endings(paths: Sequence[str], rows: Sequence[int], table: str) -> list[str]:
    """Replace each open ending by that of the image that exists.

    Parameters
    ----------
    paths : sequence of n str
        Local paths; each ends in ``.*``.
    rows : sequence of n int
        The numbers of the rows, for messages.
    table : str
        What messages call the table.

    Returns
    -------
    list of n str
        A path without an image is not changed, so it is a missing image.

    Raises
    ------
    ValueError
        If two images differ only in their endings, or a path is a URL, whose folder cannot be listed.
    """
    suffixes = readable_suffixes()
    folders: dict[str, dict[str, list[str]]] = {}
    found = []
    for path, row in zip(paths, rows):
        if is_url(path):
            raise InputError(
                f"{table}, row {row}: expected a local path for the ending {ANY_ENDING}, got {describe(path)}; write "
                "the ending of each image"
            )
        folder, name = os.path.split(path)
        if folder not in folders:
            folders[folder] = _by_stem(folder, suffixes)
        names = sorted(folders[folder].get(name.removesuffix(ANY_ENDING), []))
        if len(names) > 1:
            raise InputError(
                f"{table}, row {row}: expected one image {describe(path)}, got {listed(names)}; remove all but one, or "
                "write the ending of each image"
            )
        found.append(os.path.join(folder, names[0]) if names else path)
    return found


def _by_stem(folder: str, suffixes: frozenset[str]) -> dict[str, list[str]]:
    """Return the names of the images in a folder by what is before their endings; empty if there is no folder."""
    stems: dict[str, list[str]] = {}
    for name in _names(folder):
        stem, ending = os.path.splitext(name)
        if ending.lower() in suffixes:
            stems.setdefault(stem, []).append(name)
    return stems


def _names(folder: str) -> Iterator[str]:
    try:
        yield from os.listdir(folder)
    except OSError:  # the images are then missing, which is reported with the reason
        return
