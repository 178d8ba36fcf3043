"""Text from outside on its way to a terminal: names of files and classes, and the words of servers."""

from __future__ import annotations


def printable(text: object, most: int | None = None) -> str:
    """The text on one line, with every character escaped that would move the cursor, or that cannot be shown.

    Parameters
    ----------
    text : object
    most : int, optional
        How many characters the line has at most; that of a longer text ends with three dots.

    Examples
    --------
    >>> printable("two\\nlines, \\x1b[31mred")
    'two lines, \\\\x1b[31mred'
    """
    line = escape_controls(" ".join(str(text).split()))
    return line if most is None or len(line) <= most else f"{line[:most - 4]} ..."


def escape_controls(text: str) -> str:
    """The text with its lines as they are, and every other character escaped that is not printable.

    These are control characters, the marks that turn the direction of writing around, and the halves of surrogates
    that stand for bytes of a file's name that are not UTF-8.
    """
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode() for sign in text
    )
