"""Make text from outside safe for a terminal: names of files and classes, and messages of servers."""

from __future__ import annotations


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


def escape_controls(text: str) -> str:
    """Escape all characters of a text that are not printable, except line ends.

    These are control characters, marks that change the direction of writing, and the lone surrogates by which Python
    represents bytes of a file name that are not UTF-8.
    """
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode() for each in text
    )
