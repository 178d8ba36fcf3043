"""Plots inside a page: text stays text, and colors follow the page."""

from __future__ import annotations

import io
import re
import warnings
from itertools import count
from typing import Any, Protocol

from markupsafe import Markup, escape

from .._text import escape_controls

#: Colors of a figure and the colors of the page that replace them, with a fallback for pages without these names, such
#: as a notebook, which may be light or dark. No plot uses the first three colors for anything else than the parts that
#: are named below.
_INK, _FAINT, _LINE = "#000001", "#000002", "#000003"
_COLORS = {
    _INK: "currentColor",
    _FAINT: "var(--faint, currentColor)",
    _LINE: "var(--line, #80808080)",
    "#0072b2": "var(--series-1, #1f86cc)",
    "#d55e00": "var(--series-2, #d55e00)",
    "#009e73": "var(--series-3, #009e73)",
    "#cc79a7": "var(--series-4, #cc79a7)",
    "#e69f00": "var(--series-5, #e69f00)",
    "#56b4e9": "var(--series-6, #56b4e9)",
}

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text as text, in the page's font
    "svg.hashsalt": "twoflow",  # equal plots, equal files
    "text.parse_math": False,
    "font.size": 12,
    "axes.titlesize": 12,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "text.color": _INK,
    "axes.titlecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "axes.edgecolor": _FAINT,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "grid.color": _LINE,
    "hatch.color": _LINE,
}

_numbers = count(1)


class Drawable(Protocol):
    """An object that draws itself on a figure."""

    figure_: Any

    def plot(self) -> Any:
        """Draw, and set `figure_`."""


def to_svg(display: Drawable, title: str = "", prefix: str | None = None) -> Markup:
    """Draw a display as an element for HTML.

    Parameters
    ----------
    display : Drawable
    title : str
        The text for a screen reader, by default none.
    prefix : str, optional
        The beginning of its identifiers, which must differ from those of other plots on the page. By default one that
        was not used before.
    """
    import matplotlib

    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # The fonts that measure the text may lack a script; the reader's fonts draw it.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        display.plot()
        figure = display.figure_
        content = io.StringIO()
        figure.savefig(content, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return Markup(_embedded(content.getvalue(), escape_controls(title), prefix or f"plot-{next(_numbers)}"))


def _embedded(svg: str, title: str, prefix: str) -> str:
    """Remove what only a separate file needs, and what could act on, or clash with, the rest of the page."""
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    opening, rest = svg.split(">", 1)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', opening).groups()  # type: ignore[union-attr]
    # Only in the tags: the text between them are names, and a class may be called "#0072b2".
    rest = re.sub(r"<[^>]*>", lambda tag: _adapted(tag.group(), prefix), rest)
    rest = re.sub(r"\n\s*", " ", rest)
    return (
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="system-ui, sans-serif" stroke-linejoin="round">{rest}'
    )


def _adapted(tag: str, prefix: str) -> str:
    tag = re.sub(r' id="[a-zA-Z.]+_\d+"', "", tag)  # ids of groups, which are not used
    tag = re.sub(r'(id="|url\(#|href="#)', rf"\1{prefix}-", tag).replace("xlink:href", "href")
    tag = re.sub(r"font-family: [^;\"]*;? ?", "", tag)
    return re.sub("|".join(_COLORS), _color, tag)


def _color(found: Any) -> str:
    return _COLORS[found.group()]
