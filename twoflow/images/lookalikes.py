"""Find names of classes that look alike, which is often one class typed in two ways."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

#: Cyrillic and Greek capitals that look like Latin capitals (a subset of the "confusables" of Unicode TR 39).
_LATIN = str.maketrans(
    "АВЕЅІЈКМНОРСТУХҮҺӀԚԜ" "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "ABESIJKMHOPCTYXYHIQW" "ABEZHIKMNOPTYX",
)
#: Variation selectors and Hangul fillers. All other zero-width characters have the category Cf.
_WITHOUT_WIDTH = frozenset({*map(chr, range(0xFE00, 0xFE10)), "\u115f", "\u1160", "\u3164", "\uffa0"})

_SEPARATORS = re.compile(r"[\s_-]+")
# Separators to drop; between digits they stay, because "1 2" is not "12".
_NOT_BETWEEN_DIGITS = re.compile(r"(?<![0-9]) | (?![0-9])")
_LEADING_ZEROS = re.compile(r"(?<![0-9.,])0+(?=[0-9])")

#: What other programs write for a missing value.
_WORDS_FOR_MISSING = frozenset({"nan", "na", "n/a", "none", "null", "nil", "<na>", "nat", "#n/a"})


def find_lookalikes(names: Iterable[Any]) -> tuple[tuple[Any, ...], ...]:
    """Group names whose differences are hard to see.

    These differences are case, spaces, dashes, zero-width characters, compatibility forms (NFKC), letters of other
    scripts that look the same, and leading zeros.

    Parameters
    ----------
    names : iterable of labels
        Distinct names.

    Returns
    -------
    tuple of tuple of labels
        Groups of at least two names, in the order of `names`.

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
    """Reduce a name to a form that is equal for all names that look alike.

    Examples
    --------
    >>> skeleton("T-Shirt 07"), skeleton("t shirt_7"), skeleton("1-2"), skeleton("12")
    ('TSHIRT7', 'TSHIRT7', '1 2', '12')
    """
    # Upper case last: capitals look alike across scripts more often than small letters do.
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).upper().translate(_LATIN)
    text = _SEPARATORS.sub(" ", "".join(map(_simplify, text)))
    return _LEADING_ZEROS.sub("", _NOT_BETWEEN_DIGITS.sub("", text))


def note_on_words_for_missing(names: Iterable[Any]) -> list[str]:
    """Return a note on names that mean a missing value, such as "nan" and "NA"; an empty list if there are none."""
    found = sorted({str(name) for name in names if str(name).strip().lower() in _WORDS_FOR_MISSING})
    return [f"classes called like a missing value: {', '.join(map(repr, found))}"] if found else []


def spell(name: Any) -> str:
    """Put a name in quotes; if it is not ASCII, add it with escapes, because letters may look alike.

    Examples
    --------
    >>> spell("boot "), spell("b\u043eot")
    ("'boot '", "'b\u043eot' ('b\\\\u043eot')")
    """
    text = str(name)
    return repr(text) if text.isascii() else f"{text!r} ({text!a})"


def _simplify(character: str) -> str:
    """Replace any dash by "-", any blank by a space, and a zero-width character by nothing."""
    category = unicodedata.category(character)
    if category == "Cf" or character in _WITHOUT_WIDTH:
        return ""
    return {"Pd": "-", "Zs": " ", "Zl": " ", "Zp": " ", "Cc": " "}.get(category, character)
