"""Match ids with the names of images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple

from .._text import printable
from ..errors import InputError
from ..images.table_csv import tidy

_NUMBER = re.compile(r"\d+")


class Match(NamedTuple):
    """Which image each id names.

    Attributes
    ----------
    positions : dict of str to int
        The position of the image of each id, in the order of the ids. Ids without an image are not in it.
    missing : list of str
        Ids without an image.
    spare : list of str
        Names of images that no id names.
    by_number : list of str
        Ids that differ from the name of their image in leading zeros.
    """

    positions: dict[str, int]
    missing: list[str]
    spare: list[str]
    by_number: list[str]


def match_ids(ids: Sequence[str], names: Sequence[str]) -> Match:
    """Find the image that each id names.

    An id names the image whose file name it is, with or without the ending: 778 names ``test/778.jpg``. An id with
    slashes is compared with as many of the last folders. If there is no such image, leading zeros are left out on both
    sides: 778 names ``000778.jpg`` too.

    Parameters
    ----------
    ids : sequence of str
        Each once.
    names : sequence of str
        Paths or URLs of images, or names of items.

    Returns
    -------
    Match

    Raises
    ------
    ValueError
        If an id names two images.

    Examples
    --------
    >>> match_ids(["778", "9", "10"], ["test/778.jpg", "test/0009.png", "test/11.png"])
    Match(positions={'778': 0, '9': 1}, missing=['10'], spare=['test/11.png'], by_number=['9'])
    """
    depths = {each.count("/") + 1 for each in ids}
    exact: dict[str, list[int]] = {}
    by_number: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        for key in _keys(name, depths):
            exact.setdefault(key, []).append(position)
            by_number.setdefault(_without_zeros(key), []).append(position)
    positions: dict[str, int] = {}
    for each in ids:
        found = exact.get(each, [])
        if found:
            positions[each] = _only(each, found, names)
    taken, zeros = set(positions.values()), []
    for each in ids:
        if each in positions:
            continue
        found = [position for position in by_number.get(_without_zeros(each), []) if position not in taken]
        if found:
            positions[each] = _only(each, found, names)
            taken.add(positions[each])
            zeros.append(each)
    named = {names[position] for position in positions.values()}
    return Match(
        {each: positions[each] for each in ids if each in positions},
        [each for each in ids if each not in positions],
        [name for name in dict.fromkeys(names) if name not in named],
        zeros,
    )


def _keys(name: str, depths: set[int]) -> Iterator[str]:
    """Yield the last parts of a path, with and without the ending."""
    path = PurePath(tidy(name))
    keys = {path.as_posix(), path.with_suffix("").as_posix()} if path.name else {path.as_posix()}
    for key in keys:
        parts = key.split("/")
        yield from {"/".join(parts[-depth:]) for depth in depths if depth <= len(parts)}


def _without_zeros(key: str) -> str:
    """Leave out the zeros before a number that is all of a file's name, or all of it but the ending."""
    *folders, last = key.split("/")
    stem, dot, ending = last.partition(".")
    stem = stem.lstrip("0") or "0" if _NUMBER.fullmatch(stem) else stem
    return "/".join([*folders, f"{stem}{dot}{ending}"])


def _only(each: str, found: Sequence[int], names: Sequence[str]) -> int:
    different = list(dict.fromkeys(names[position] for position in found))  # an image may be named twice
    if len(different) > 1:
        first, second = map(printable, different[:2])
        raise InputError(
            f"id {printable(each)}: expected one image, got {first} and {second}; leave one of them out, or list the "
            "images in a table"
        )
    return found[0]
