"""A confusion matrix as an element for HTML, light enough for hundreds of classes.

All cells of one shade are one path. So a browser draws sixteen paths instead of thousands of squares. Each row has a
title, which a browser shows under the pointer; the script of the page names single cells.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from math import ceil, sqrt
from typing import TypeAlias

from markupsafe import Markup, escape

from .._text import escape_controls
from .displays.base import label
from .displays.confusion import NAMED, WRITTEN

_SHADES = 8  # steps of a color
_SIDE = 960  # pixels of a matrix without names
_LONGEST, _SIGN = 20, 7  # signs of a name, which is cut if it is longer, and pixels of a sign
_LINE = 22  # pixels of the line that says what rows and columns are
_LISTED = 8  # answers in the title of a row

#: The answers for each true class: the predicted class, or None, and how many images.
_Rows: TypeAlias = dict[int, list[tuple[int | None, int]]]


def matrix_svg(
    counts: Sequence[tuple[int, int | None, int]], classes: Sequence[str], order: Sequence[int], title: str
) -> Markup:
    """Draw a confusion matrix; a row is a true class, a column is a predicted class.

    Right answers and confusions have a color each. It is the stronger the larger the share of the true class is, by the
    square root, so that rare confusions show.

    Parameters
    ----------
    counts : sequence of (true, predicted, n)
        Positions of the two classes; answers that are no class (None) are not drawn, but named in the title of the row.
    classes : sequence of str
    order : sequence of int
        Positions of the classes, from left to right and from top to bottom.
    title : str
        The text for a screen reader.
    """
    classes, title = [escape_controls(name) for name in classes], escape_controls(title)
    place = {k: i for i, k in enumerate(order)}
    rows: _Rows = defaultdict(list)
    for true, predicted, count in counts:
        rows[true].append((predicted, count))
    n = len(classes)
    cell = _cell(n)
    # The spaces that `label` adds for wide signs keep room for them here, and are not drawn.
    names = [label(classes[k], _LONGEST) for k in order] if n <= NAMED else []
    left = _LINE + _SIGN * max(map(len, names), default=0)  # and as much above
    side = left + n * cell + 1
    texts = [*_axes(left), *_names(names, left, cell), *(_counts(rows, place, left, cell) if n <= WRITTEN else ())]
    return Markup("".join([
        f'<svg class="matrix{" written" if n <= WRITTEN else ""}" role="img" aria-label="{escape(title)}" '
        f'viewBox="0 0 {side} {side}" width="{side}" height="{side}" '
        f'data-classes="{escape(json.dumps([classes[k] for k in order]))}" data-cells="{_cells(rows, order, place)}">',
        f'<g transform="translate({left} {left}) scale({cell})">',
        *_shades(rows, place),
        *(_row(i, classes[k], rows.get(k, []), classes) for i, k in enumerate(order)),
        f'<rect class="frame" width="{n}" height="{n}"/></g>',
        *texts,
        "</svg>",
    ]))


def _cell(n: int) -> int:
    """Return the side of a cell in pixels, for n classes."""
    if n <= 12:
        return 44
    return 30 if n <= WRITTEN else 14 if n <= NAMED else max(2, _SIDE // n)


def _shades(rows: _Rows, place: dict[int, int]) -> list[str]:
    paths: dict[tuple[str, int], list[str]] = defaultdict(list)
    for true, row in rows.items():
        total = sum(count for _, count in row)
        for predicted, count in row:
            if predicted is not None:
                kind = "right" if predicted == true else "wrong"
                shade = ceil(_SHADES * sqrt(count / total))
                paths[kind, shade].append(f"M{place[predicted]} {place[true]}h1v1h-1z")
    return [
        f'<path class="{kind}" fill-opacity="{shade / _SHADES:g}" d="{"".join(squares)}"/>'
        for (kind, shade), squares in sorted(paths.items())
    ]


def _cells(rows: _Rows, order: Sequence[int], place: dict[int, int]) -> str:
    """Write row, column and count of each cell in the order of the matrix, for the script of the page."""
    return " ".join(
        f"{i} {place[predicted]} {count}"
        for i, k in enumerate(order) for predicted, count in rows.get(k, []) if predicted is not None
    )


def _row(i: int, name: str, row: list[tuple[int | None, int]], classes: Sequence[str]) -> str:
    answers = sorted(row, key=lambda each: -each[1])
    listed = [
        f"{'another answer' if predicted is None else classes[predicted]}: {count:,}"
        for predicted, count in answers[:_LISTED]
    ]
    more = [f"and {len(answers) - _LISTED} more"] if len(answers) > _LISTED else []
    text = "\n".join([f"{name}, predicted as", *listed, *more])
    return f'<rect class="row" y="{i}"><title>{escape(text)}</title></rect>'


def _axes(left: int) -> list[str]:
    return [
        f'<text class="axis" x="{left}" y="8">predicted class →</text>',
        f'<text class="axis" transform="translate(8 {left}) rotate(90)">true class →</text>',
    ]


def _names(names: Sequence[str], left: int, cell: int) -> list[str]:
    parts = []
    for i, name in enumerate(names):
        text, middle = escape(name.strip()), left + (i + 0.5) * cell
        parts += [
            f'<text class="of-row" x="{left - 6}" y="{middle:g}">{text}</text>',
            f'<text class="of-column" transform="translate({middle:g} {left - 6}) rotate(-90)">{text}</text>',
        ]
    return parts


def _counts(rows: _Rows, place: dict[int, int], left: int, cell: int) -> list[str]:
    return [
        f'<text class="count" x="{left + (place[predicted] + 0.5) * cell:g}" '
        f'y="{left + (place[true] + 0.5) * cell:g}">{count:,}</text>'
        for true, row in rows.items() for predicted, count in row if predicted is not None
    ]
