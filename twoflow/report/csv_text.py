"""Tables as CSV text that a spreadsheet shows as it stands: no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

#: What makes a spreadsheet compute the cell that begins with it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The text of a CSV file with a header.

    Text that would be a formula, such as the name of a file that begins with ``=``, gets an apostrophe in front, which
    a spreadsheet does not show. Numbers stay as they are.

    Examples
    --------
    >>> print(to_csv(["name", "margin"], [["=1+1", -0.5]]), end="")
    name,margin
    '=1+1,-0.5
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell  # a number with its sign
