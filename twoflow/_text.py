"""Make text from outside, such as names of files, safe for a terminal; write lists, and numbers with their nouns."""

from __future__ import annotations

from collections.abc import Iterable


def printable(text: object, most: int | None = None) -> str:
    """Put a text on one line, and escape all characters that move the cursor or cannot be shown.

    Parameters
    ----------
    text : object
        The text, or an object to convert with `str`.
    most : int, optional
        The maximal length. A longer line is cut and ends with three dots. Default: no limit.

    Examples
    --------
    >>> printable("two\\nlines, \\x1b[31mred")
    'two lines, \\\\x1b[31mred'
    """
    line = escape_controls(" ".join(str(text).split()))
    return line if most is None or len(line) <= most else f"{line[:most - 4]} ..."


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as "1 image" and "2 images"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(phrases: Iterable[str], last: str = " and") -> str:
    """List phrases in a sentence, with `last` before the last one.

    Examples
    --------
    >>> listed(["cnn", "fast", "best"])
    'cnn, fast and best'
    """
    phrases = list(phrases)
    return f"{last} ".join(filter(None, [", ".join(phrases[:-1]), *phrases[-1:]]))


def escape_controls(text: str) -> str:
    """Escape all characters of a text that are not printable, except line ends.

    These are control characters, marks that change the direction of writing, and the lone surrogates by which Python
    represents bytes of a file name that are not UTF-8.
    """
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode() for each in text
    )
