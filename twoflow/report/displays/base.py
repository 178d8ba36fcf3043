"""The base of all plots."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate, cycle, islice
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from unicodedata import east_asian_width

from ..._text import printable
from ...evaluation import Comparison
from ..document import summarize, to_document
from ..svg import to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend

PIXELS_PER_INCH = 72  # of a page: at this resolution matplotlib's point is one, and a font of 12 is one of 12 pixels

_LONGEST = 24  # signs of a name on an axis
_SPACES = 1.3  # to add for each wide sign, because matplotlib measures it as a narrow box
_AXIS = 44  # pixels under the axes that its numbers and its label take


class Style(NamedTuple):
    """How one of several lines is drawn. Lines never differ by their color alone."""

    color: str
    marker: str
    line: Any


# Okabe and Ito's colors (https://jfly.uni-koeln.de/color/), which color-blind readers can distinguish, without the
# yellow, which is hard to see on white.
_STYLES = (
    Style("#0072b2", "o", "-"),
    Style("#d55e00", "s", "--"),
    Style("#009e73", "^", "-."),
    Style("#cc79a7", "D", ":"),
    Style("#e69f00", "v", (0, (5, 1, 1, 1))),
    Style("#56b4e9", "P", (0, (3, 1))),
)
ACCENT = _STYLES[0].color


class Display(ABC):
    """A plot that is made from a comparison, or from the document of its report.json.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
        After `plot`.
    """

    ax_: Axes
    figure_: Any
    _needs_predictions = False

    @classmethod
    def from_comparison(cls, comparison: Comparison, **options: Any) -> Self:
        """Create from the result of `compare`; for the options see `from_document`."""
        describe = to_document if cls._needs_predictions else summarize
        return cls.from_document(describe(comparison), **options)

    @classmethod
    @abstractmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Create from the content of a report.json."""

    @abstractmethod
    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""

    def _repr_html_(self) -> str:
        """Show the plot in a notebook."""
        return to_svg(self)

    def _begin(self, ax: Axes | None, width: int, height: int) -> Axes:
        """Return the given axes, or new ones on a figure of this size in pixels."""
        if ax is None:
            # scikit-learn's displays use pyplot, which keeps each figure until it is closed and looks for a screen. In
            # a notebook `_repr_html_` shows this figure.
            from matplotlib.figure import Figure

            size = (width / PIXELS_PER_INCH, height / PIXELS_PER_INCH)
            ax = Figure(figsize=size, dpi=PIXELS_PER_INCH, layout="constrained").add_subplot()
            ax.spines[["top", "right"]].set_visible(False)
        self.ax_, self.figure_ = ax, ax.figure
        return ax


def tested_label(document: Mapping[str, Any]) -> str:
    """Return the label of the score that is tested, from the content of a report.json."""
    labels: dict[str, str] = {score["name"]: score["label"] for score in document["scores"]}
    return labels[document["tested_score"]]


def styles(n: int) -> list[Style]:
    """Return a style for each of n lines; after six lines colors repeat, with another kind of line."""
    return [
        Style(style.color, style.marker, _STYLES[(i + i // len(_STYLES)) % len(_STYLES)].line)
        for i, style in enumerate(islice(cycle(_STYLES), n))
    ]


def label(text: Any, longest: int = _LONGEST) -> str:
    """Return a name as one short, harmless line: control characters and half surrogates are shown as numbers.

    Parameters
    ----------
    text : object
    longest : int
        A longer name is cut; by default after 24 signs. Chinese, Japanese and Korean signs count as two.
    """
    line = printable(text)
    widths = list(accumulate(2 if is_wide(sign) else 1 for sign in line))
    if widths and widths[-1] > longest:
        line = f"{line[:bisect_right(widths, longest - 1)]}…"
    # matplotlib lacks these signs and measures them as narrow. The spaces correct that, and SVG drops them.
    return " " * round(_SPACES * sum(map(is_wide, line))) + line


def is_wide(sign: str) -> bool:
    """Return whether a sign is about as wide as high."""
    return east_asian_width(sign) in "WF"


def name_methods(ax: Axes, names: Sequence[str]) -> None:
    """Write the names down the vertical axis, one for each unit, and draw grid lines."""
    # A name with dollar signs is not a formula.
    ax.set_yticks(range(len(names)), list(map(label, names)), parse_math=False)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.locator_params(axis="x", nbins=6)
    ax.grid(axis="x", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines["left"].set_visible(False)


def add_legend(ax: Axes) -> Legend:
    """Add a legend below the axes and their label, where it covers nothing."""
    from matplotlib.transforms import ScaledTranslation

    below = ScaledTranslation(0, -_AXIS / PIXELS_PER_INCH, ax.figure.dpi_scale_trans)
    legend = ax.legend(
        loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=ax.transAxes + below, frameon=False, borderaxespad=0,
        handlelength=3,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return legend
