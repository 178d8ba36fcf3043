"""Names of classes that a reader can hardly tell apart: often one class that was typed in two ways."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

#: Cyrillic and Greek capitals that look like Latin ones (a subset of Unicode TR 39, "confusables").
_LATIN = str.maketrans(
    "АВЕЅІЈКМНОРСТУХҮҺӀԚԜ" "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "ABESIJKMHOPCTYXYHIQW" "ABEZHIKMNOPTYX",
)
#: Variation selectors and Hangul fillers; the other signs without width have the category Cf.
_WITHOUT_WIDTH = frozenset({*map(chr, range(0xFE00, 0xFE10)), "\u115f", "\u1160", "\u3164", "\uffa0"})

_SEPARATORS = re.compile(r"[\s_-]+")
_NOT_BETWEEN_DIGITS = re.compile(r"(?<![0-9]) | (?![0-9])")  # where a separator may be missing; "1 2" is not "12"
_LEADING_ZEROS = re.compile(r"(?<![0-9.,])0+(?=[0-9])")

#: What other programs write where a value is missing.
_WORDS_FOR_MISSING = frozenset({"nan", "na", "n/a", "none", "null", "nil", "<na>", "nat", "#n/a"})


def find_lookalikes(names: Iterable[Any]) -> tuple[tuple[Any, ...], ...]:
    """Group names that differ only in what is hard to see.

    These are case, blanks, dashes, signs without width, compatibility forms (NFKC), letters of other scripts that look
    the same, and leading zeros.

    Parameters
    ----------
    names : iterable of labels
        Each once.

    Returns
    -------
    tuple of tuple of labels
        Groups of at least two, in the order of the names.

    Examples
    --------
    >>> find_lookalikes(["Boot", "boot ", "clog", "size 07", "size 7"])
    (('Boot', 'boot '), ('size 07', 'size 7'))
    """
    groups: dict[str, list[Any]] = {}
    for name in names:
        groups.setdefault(skeleton(str(name)), []).append(name)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def skeleton(name: str) -> str:
    """What is equal for names that look alike.

    Examples
    --------
    >>> skeleton("T-Shirt 07"), skeleton("t shirt_7"), skeleton("1-2"), skeleton("12")
    ('TSHIRT7', 'TSHIRT7', '1 2', '12')
    """
    # Upper case last: more capitals look alike in several scripts than small letters do.
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).upper().translate(_LATIN)
    text = _SEPARATORS.sub(" ", "".join(map(_shown, text)))
    return _LEADING_ZEROS.sub("", _NOT_BETWEEN_DIGITS.sub("", text))


def note_on_words_for_missing(names: Iterable[Any]) -> list[str]:
    """A sentence on names that are words for a missing value, such as "nan" and "NA"; none if there are none."""
    found = sorted({str(name) for name in names if str(name).strip().lower() in _WORDS_FOR_MISSING})
    return [f"classes called like a missing value: {', '.join(map(repr, found))}"] if found else []


def spell(name: Any) -> str:
    """A name in quotes; with escapes behind it if letters may be others than they seem.

    Examples
    --------
    >>> spell("boot "), spell("b\u043eot")
    ("'boot '", "'b\u043eot' ('b\\\\u043eot')")
    """
    text = str(name)
    return repr(text) if text.isascii() else f"{text!r} ({text!a})"


def _shown(sign: str) -> str:
    """A dash for every dash, a blank for every blank, nothing for signs without width."""
    category = unicodedata.category(sign)
    if category == "Cf" or sign in _WITHOUT_WIDTH:
        return ""
    return {"Pd": "-", "Zs": " ", "Zl": " ", "Zp": " ", "Cc": " "}.get(category, sign)
