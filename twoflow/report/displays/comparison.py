"""Plots of the score of each method, and of its difference to the best method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..ranking import differences_to_best, ranked
from .base import ACCENT, Display, name_methods, tested_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _BAND, _MARGIN = 420, 44, 60  # pixels; a band for each method


class ComparisonDisplay(Display):
    """The tested score of each method: a small point for each fold, the mean, and the interval of the mean.

    Parameters
    ----------
    names : sequence of str
    scores : sequence of array-like of shape (n_folds,)
    intervals : sequence of (float, float)
        NaN or None for a method without an interval, as on a single split.
    label : str
        The name of the score, by default "accuracy".

    Examples
    --------
    >>> display = ComparisonDisplay(names=["cnn"], scores=[[0.8, 0.9]], intervals=[(0.7, 1.0)]).plot()
    >>> display.ax_.get_xlabel()
    'accuracy'
    """

    def __init__(
        self, *, names: Sequence[str], scores: Sequence[Any], intervals: Sequence[Any], label: str = "accuracy"
    ) -> None:
        self.names = names
        self.scores = scores
        self.intervals = intervals
        self.label = label

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Create from the content of a report.json; the best method is first."""
        methods = ranked(document)
        tested = [method["scores"][document["tested_score"]] for method in methods]
        return cls(
            names=[method["name"] for method in methods],
            scores=[score["folds"] for score in tested],
            intervals=[score["confidence_interval"] for score in tested],
            label=tested_label(document),
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        ax = self._begin(ax, _WIDTH, _MARGIN + _BAND * len(self.names))
        name_methods(ax, self.names)
        for y, (folds, interval) in enumerate(zip(self.scores, self.intervals)):
            # The same fold of every method is at the same height of its band.
            heights = y + np.linspace(0.12, 0.36, len(folds)) if len(folds) > 1 else [y]
            ax.plot(folds, heights, "o", color=ACCENT, markersize=5, markeredgewidth=0, alpha=0.5)
            _draw_interval(ax, float(np.mean(folds)), interval, y)
        low, high = ax.get_xlim()
        ax.set_xlim(max(low, -0.01), min(high, 1.01))
        ax.set_xlabel(self.label)
        return self


class DifferencesDisplay(Display):
    """The mean difference in the tested score of each method to the best method, with its interval.

    The intervals are adjusted for the number of pairs of methods, because the best method is chosen by its score.

    Parameters
    ----------
    names : sequence of str
        Without the best method.
    differences : sequence of float
    intervals : sequence of (float, float)
        NaN or None for a method without an interval.
    best : str
        The name of the best method.
    label : str
        The name of the score, by default "accuracy".

    Examples
    --------
    >>> display = DifferencesDisplay(names=["pixels"], differences=[-0.1], intervals=[(-0.2, 0)], best="cnn").plot()
    >>> display.ax_.get_xlabel()
    'difference in accuracy to the best method'
    """

    def __init__(
        self, *, names: Sequence[str], differences: Sequence[float], intervals: Sequence[Any], best: str,
        label: str = "accuracy",
    ) -> None:
        self.names = names
        self.differences = differences
        self.intervals = intervals
        self.best = best
        self.label = label

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Create from the content of a report.json; the best method is first."""
        found = differences_to_best(document)
        return cls(
            names=list(found),
            differences=[each.mean for each in found.values()],
            intervals=[each.interval for each in found.values()],
            best=ranked(document)[0]["name"],
            label=tested_label(document),
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        ax = self._begin(ax, _WIDTH, _MARGIN + _BAND * (len(self.names) + 1))
        name_methods(ax, [self.best, *self.names])
        ax.axvline(0, color=ax.xaxis.label.get_color(), linewidth=1)
        ax.plot(0, 0, "o", color=ACCENT, markerfacecolor="none", markersize=7)
        for y, (difference, interval) in enumerate(zip(self.differences, self.intervals), start=1):
            _draw_interval(ax, difference, interval, y)
        ax.set_xlabel(f"difference in {self.label} to the best method")
        return self


def _draw_interval(ax: Axes, mean: float, interval: Sequence[float | None], y: float) -> None:
    ends = np.array(interval, dtype=float)
    if np.isfinite(ends).all():
        ax.plot(ends, [y, y], "-", color=ACCENT, linewidth=2, solid_capstyle="butt")
    ax.plot(mean, y, "o", color=ACCENT, markersize=7)
