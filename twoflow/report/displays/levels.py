"""Plots of answers in a hierarchy of classes: the accuracy of each level, and the risk by coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...errors import InputError
from ..ranking import ranked
from .base import Display, add_legend, label, name_methods, styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT, _BAND, _MARGIN, _LINE = 420, 320, 24, 70, 18  # pixels; a band for each method and level
_NO_LEVELS = "the targets of the comparison are no levels; compare a collection of levels"


class LevelsDisplay(Display):
    """The accuracy of each method at each level, and of all levels together, with intervals.

    A filled sign is the share of right answers. A hollow sign is the share before fallback, of a method that falls back
    to broader answers: the fallback turns wrong answers, but some right ones too, into none.

    Parameters
    ----------
    names : sequence of str
    levels : sequence of k str
    accuracy, before : sequence of array-like of shape (k,)
        After and before fallback, for each method. NaN or None where there is nothing.
    intervals : sequence of array-like of shape (k, 2)
        Of `accuracy`. NaN or None where there is none.

    Examples
    --------
    >>> display = LevelsDisplay(
    ...     names=["cnn"], levels=["kind", "all"], accuracy=[[0.9, 0.8]], before=[[0.95, 0.82]],
    ...     intervals=[[(0.8, 1), (0.7, 0.9)]],
    ... ).plot()
    >>> [text.get_text() for text in display.ax_.get_yticklabels()]
    ['kind', 'all']
    """

    def __init__(
        self, *, names: Sequence[str], levels: Sequence[str], accuracy: Sequence[Any], before: Sequence[Any],
        intervals: Sequence[Any],
    ) -> None:
        self.names = names
        self.levels = levels
        self.accuracy = accuracy
        self.before = before
        self.intervals = intervals

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Create from the content of a report.json, the best method first; ValueError if the targets are no levels."""
        hierarchy = document["dataset"]["hierarchy"]
        if hierarchy is None:
            raise InputError(_NO_LEVELS)
        levels = [level["name"] for level in hierarchy["levels"]]
        scores = [*(f"accuracy:{level}" for level in levels), "exact_match"]
        methods = ranked(document)
        return cls(
            names=[method["name"] for method in methods],
            levels=[*levels, "all levels"],
            accuracy=[[method["scores"][score]["mean"] for score in scores] for method in methods],
            before=[
                [method["before_fallback"][score]["mean"] if method["before_fallback"] else None for score in scores]
                for method in methods
            ],
            intervals=[[method["scores"][score]["confidence_interval"] for score in scores] for method in methods],
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        n = len(self.names)
        ax = self._begin(ax, _WIDTH, _MARGIN + _BAND * n * len(self.levels) + _LINE * n)
        name_methods(ax, self.levels)
        offsets = (np.arange(n) - (n - 1) / 2) * 0.8 / n
        drawn = zip(self.names, self.accuracy, self.before, self.intervals, offsets, styles(n))
        for name, accuracy, before, intervals, offset, style in drawn:
            heights = np.arange(len(self.levels)) + offset
            ax.plot(
                np.array(accuracy, dtype=float), heights, linestyle="", marker=style.marker, markersize=6,
                color=style.color, label=label(name),
            )
            ax.plot(
                np.array(before, dtype=float), heights, linestyle="", marker=style.marker, markersize=8,
                color=style.color, markerfacecolor="none",
            )
            for ends, height in zip(np.array(intervals, dtype=float), heights):
                ax.plot(ends, [height, height], "-", color=style.color, linewidth=1)
        ax.set_xlabel("accuracy (hollow: before fallback)")
        add_legend(ax)
        return self


class RiskDisplay(Display):
    """The share of wrong answers of each method, if it answers only the most certain ones.

    An answer before fallback is wrong if it is not the whole true path. The curve is the risk-coverage curve of
    El-Yaniv and Wiener (Journal of Machine Learning Research 11, 2010, https://jmlr.org/papers/v11/el-yaniv10a.html).

    Parameters
    ----------
    names : sequence of str
    coverage, risk : sequence of array-like of shape (n_points,)
        Shares from 0 to 1.
    area : sequence of float
        The mean risk over all shares.

    Examples
    --------
    >>> display = RiskDisplay(names=["cnn"], coverage=[[0.5, 1]], risk=[[0.1, 0.2]], area=[0.12]).plot()
    >>> display.ax_.get_legend().get_texts()[0].get_text()
    'cnn (0.120)'
    """

    _needs_predictions = True

    def __init__(
        self, *, names: Sequence[str], coverage: Sequence[Any], risk: Sequence[Any], area: Sequence[float]
    ) -> None:
        self.names = names
        self.coverage = coverage
        self.risk = risk
        self.area = area

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Create from the content of a report.json, of methods with probabilities, the best first.

        Raises
        ------
        ValueError
            If the targets are no levels.
        """
        if document["dataset"]["hierarchy"] is None:
            raise InputError(_NO_LEVELS)
        methods = [method for method in ranked(document) if method["risk_coverage"] is not None]
        return cls(
            names=[method["name"] for method in methods],
            **{key: [method["risk_coverage"][key] for method in methods] for key in ("coverage", "risk", "area")},
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        ax = self._begin(ax, _WIDTH, _HEIGHT + _LINE * len(self.names))
        for name, coverage, risk, area, style in zip(
            self.names, self.coverage, self.risk, self.area, styles(len(self.names))
        ):
            ax.plot(coverage, risk, linestyle=style.line, color=style.color, label=f"{label(name)} ({area:.3f})")
        ax.set(
            xlabel="share of the images that is answered", ylabel="wrong among the answered", title="risk (area)",
            xlim=(-0.01, 1.01), ylim=(-0.01, None),
        )
        ax.grid(linewidth=0.8)
        add_legend(ax)
        return self
