"""Plot of the mean ranks of methods over several data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from ...evaluation.datasets import DatasetsComparison
from .base import ACCENT, Display, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _NAME, _BAR, _MARGIN = 640, 24, 14, 46  # pixels; of a name below the axis, and of a bar


class CriticalDifferenceDisplay(Display):
    """The mean rank of each method, the best on the left, and bars that join methods without a significant difference.

    Demšar's diagram (Journal of Machine Learning Research 7, 2006, section 3.2.2). As the pairs are not compared by
    their mean ranks, there is no one critical difference, and a bar has a point for each of its methods. A bar may pass
    over a method without a point: that one is not in its group.

    Parameters
    ----------
    names : sequence of str
        The methods, the best mean rank first.
    mean_ranks : sequence of float
    groups : sequence of sequence of int
        Positions of the methods that a bar joins.

    Examples
    --------
    >>> display = CriticalDifferenceDisplay(names=["fast", "cnn"], mean_ranks=[1.2, 1.8], groups=[[0, 1]]).plot()
    >>> display.ax_.get_xlabel()
    'mean rank'
    """

    def __init__(
        self, *, names: Sequence[str], mean_ranks: Sequence[float], groups: Sequence[Sequence[int]]
    ) -> None:
        self.names = names
        self.mean_ranks = mean_ranks
        self.groups = groups

    @classmethod
    def from_comparison(cls, comparison: DatasetsComparison) -> Self:  # type: ignore[override]
        """Create from the result of `compare_datasets`."""
        place = {method: i for i, method in enumerate(comparison.methods)}
        return cls(
            names=comparison.methods,
            mean_ranks=comparison.mean_ranks.tolist(),
            groups=[[place[method] for method in group] for group in comparison.groups],
        )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Create from the content of a datasets.json."""
        return cls(
            names=[method["name"] for method in document["methods"]],
            mean_ranks=[method["mean_rank"] for method in document["methods"]],
            groups=document["groups"],
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        n, n_left = len(self.names), (len(self.names) + 1) // 2
        bars = len(self.groups) * _BAR
        height = bars + n_left * _NAME + _BAR
        ax = self._begin(ax, _WIDTH, height + _MARGIN)
        ax.set_xlim(1, max(n, 2))
        ax.set_ylim(height, 0)  # pixels below the axis
        ax.set_xticks(range(1, max(n, 2) + 1))
        ax.xaxis.set_ticks_position("top")
        ax.xaxis.set_label_position("top")
        ax.set_xlabel("mean rank")
        ax.yaxis.set_visible(False)
        ax.spines[["left", "right", "bottom"]].set_visible(False)
        ax.spines["top"].set_visible(True)
        ink = ax.xaxis.label.get_color()
        for i, (name, rank) in enumerate(zip(self.names, self.mean_ranks)):
            # The better half is named on the left, from top to bottom; the others on the right, from bottom to top.
            is_left = i < n_left
            y = bars + _BAR + _NAME * ((i if is_left else n - 1 - i) + 0.5)
            side = -0.02 if is_left else 1.02
            end = ax.get_xlim()[0 if is_left else 1]
            ax.plot([rank, rank, end], [0, y, y], "-", color=ink, linewidth=1, clip_on=False)
            ax.text(
                side, y, f"{label(name)} ({rank:.2f})", transform=ax.get_yaxis_transform(), verticalalignment="center",
                horizontalalignment="right" if is_left else "left", parse_math=False,
            )
        for row, group in enumerate(self.groups):
            ranks = [self.mean_ranks[i] for i in group]
            ax.plot(ranks, [_BAR * (row + 1)] * len(ranks), "-o", color=ACCENT, linewidth=3, markersize=6)
        return self
