"""Plots of how good the probabilities of each method are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .base import Display, add_legend, label, styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT, _LINE = 350, 370, 18  # pixels; a line for each method in the legend


class RocDisplay(Display):
    """The ROC curve of each method, one against the rest, averaged over classes.

    Parameters
    ----------
    names : sequence of str
    fpr, tpr : sequence of array-like of shape (n_points,)
    roc_auc : sequence of float
    average : {"macro", "micro"}

    Examples
    --------
    >>> display = RocDisplay(names=["cnn"], fpr=[[0, 1]], tpr=[[0, 1]], roc_auc=[0.5], average="macro").plot()
    >>> display.ax_.get_legend().get_texts()[0].get_text()
    'cnn (0.500)'
    """

    _needs_predictions = True

    def __init__(
        self, *, names: Sequence[str], fpr: Sequence[Any], tpr: Sequence[Any], roc_auc: Sequence[float], average: str
    ) -> None:
        self.names = names
        self.fpr = fpr
        self.tpr = tpr
        self.roc_auc = roc_auc
        self.average = average

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, average: str = "macro") -> Self:
        """Create from the content of a report.json.

        Parameters
        ----------
        document : mapping
            The methods with probabilities are drawn.
        average : {"macro", "micro"}
            The mean of the curves of all classes (default), or the curve of all decisions.
        """
        methods = [method for method in document["methods"] if method["roc"] is not None]
        return cls(
            names=[method["name"] for method in methods],
            fpr=[method["roc"]["false_positive_rate"] for method in methods],
            tpr=[method["roc"][average] for method in methods],
            roc_auc=[method["roc"][f"{average}_auc"] for method in methods],
            average=average,
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        ax = self._begin(ax, _WIDTH, _HEIGHT + _LINE * len(self.names))
        ax.plot([0, 1], [0, 1], ":", color=ax.xaxis.label.get_color(), linewidth=1)
        for name, fpr, tpr, area, style in zip(self.names, self.fpr, self.tpr, self.roc_auc, styles(len(self.names))):
            ax.plot(fpr, tpr, linestyle=style.line, color=style.color, label=f"{label(name)} ({area:.3f})")
        ax.set(
            xlabel="false positive rate", ylabel="true positive rate", title=f"{self.average} average (area)",
            xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal",
        )
        ax.grid(linewidth=0.8)
        add_legend(ax)
        return self


class ReliabilityDisplay(Display):
    """How often the predicted class was right, by its probability.

    A method on the diagonal is calibrated; above the diagonal it is right more often than its probabilities say.

    Parameters
    ----------
    names : sequence of str
    confidence, accuracy : sequence of array-like of shape (n_bins,)
        NaN or None for bins without predictions.
    expected_error : sequence of float

    Examples
    --------
    >>> display = ReliabilityDisplay(names=["cnn"], confidence=[[0.5]], accuracy=[[0.6]], expected_error=[0.1]).plot()
    >>> display.ax_.get_legend().get_texts()[0].get_text()
    'cnn (0.100)'
    """

    _needs_predictions = True

    def __init__(
        self, *, names: Sequence[str], confidence: Sequence[Any], accuracy: Sequence[Any],
        expected_error: Sequence[float],
    ) -> None:
        self.names = names
        self.confidence = confidence
        self.accuracy = accuracy
        self.expected_error = expected_error

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Create from the content of a report.json."""
        methods = [method for method in document["methods"] if method["calibration"] is not None]
        return cls(
            names=[method["name"] for method in methods],
            **{
                key: [method["calibration"][key] for method in methods]
                for key in ("confidence", "accuracy", "expected_error")
            },
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        ax = self._begin(ax, _WIDTH, _HEIGHT + _LINE * len(self.names))
        ax.plot([0, 1], [0, 1], ":", color=ax.xaxis.label.get_color(), linewidth=1)
        drawn = zip(self.names, self.confidence, self.accuracy, self.expected_error, styles(len(self.names)))
        for name, confidence, accuracy, error, style in drawn:
            points = np.array([confidence, accuracy], dtype=float)
            points = points[:, np.isfinite(points).all(axis=0)]
            ax.plot(
                *points, linestyle=style.line, marker=style.marker, markersize=5, color=style.color,
                label=f"{label(name)} ({error:.3f})",
            )
        ax.set(
            xlabel="probability of the predicted class", ylabel="share that is right",
            title="reliability (expected error)", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal",
        )
        ax.grid(linewidth=0.8)
        add_legend(ax)
        return self
