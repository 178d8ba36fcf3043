"""Tables as CSV text in which no cell is a formula for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

#: A spreadsheet computes a cell that begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Write the text of a CSV file with a header.

    Text that would be a formula, such as the name of a file that begins with ``=``, gets an apostrophe in front, which
    a spreadsheet does not show. Numbers are not changed.

    Examples
    --------
    >>> print(to_csv(["name", "margin"], [["=1+1", -0.5]]), end="")
    name,margin
    '=1+1,-0.5
    """
    return "".join(map(to_csv_line, chain([columns], rows)))


def to_csv_line(cells: Iterable[Any]) -> str:
    """Write one line of a CSV file; see `to_csv`."""
    text = io.StringIO()
    # The writer quotes the characters of the line terminator, and a cell may contain either of them.
    csv.writer(text, lineterminator="\r\n").writerow(map(_harmless, cells))
    return text.getvalue().removesuffix("\r\n") + "\n"


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell  # a number with its sign
