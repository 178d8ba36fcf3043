"""The plot of the share of each flow in the decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from ..ranking import ranked
from .base import Display, add_legend, label, name_methods, styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _BAND, _MARGIN, _LINE = 420, 40, 70, 18  # pixels; a band for each method, a line for each flow in the legend
_HATCHES = ("", "//", "..", "xx", "\\\\", "--")


class ImportancesDisplay(Display):
    """The share of each flow in the decisions of each method.

    Parameters
    ----------
    names : sequence of str
    importances : sequence of mapping of str to float
        The share of each flow, for each method.

    Examples
    --------
    >>> display = ImportancesDisplay(names=["two-flow"], importances=[{"pixels": 0.1, "cnn": 0.9}]).plot()
    >>> [text.get_text() for text in display.ax_.get_legend().get_texts()]
    ['pixels', 'cnn']
    """

    def __init__(self, *, names: Sequence[str], importances: Sequence[Mapping[str, float]]) -> None:
        self.names = names
        self.importances = importances

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Create from the content of a report.json."""
        methods = [method for method in ranked(document) if method["importances"]]
        return cls(
            names=[method["name"] for method in methods], importances=[method["importances"] for method in methods]
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        flows = list(dict.fromkeys(flow for shares in self.importances for flow in shares))
        ax = self._begin(ax, _WIDTH, _MARGIN + _BAND * len(self.names) + _LINE * len(flows))
        name_methods(ax, self.names)
        left = [0.0] * len(self.names)
        for i, (flow, style) in enumerate(zip(flows, styles(len(flows)))):
            shares = [method.get(flow, 0.0) for method in self.importances]
            ax.barh(
                range(len(shares)), shares, 0.6, left, color=style.color, hatch=_HATCHES[i % len(_HATCHES)],
                edgecolor=ax.figure.get_facecolor(), linewidth=1, label=label(flow),
            )
            left = [start + share for start, share in zip(left, shares)]
        ax.set(xlim=(0, 1), xlabel="share in the decision")
        add_legend(ax)
        return self
