"""Plots of how good the probabilities of each method are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..ranking import details_of, ranked
from .base import Display, add_legend, label, styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT, _LINE = 350, 370, 18  # pixels; a line for each method in the legend


class CoverageDisplay(Display):
    """The accuracy of each method if it answers only a share of the images, the most certain ones.

    The rest is left to a person. A curve that falls late belongs to a method that knows what it does not know. The
    curve is the complement of the risk-coverage curve of El-Yaniv and Wiener (Journal of Machine Learning Research 11,
    2010, https://jmlr.org/papers/v11/el-yaniv10a.html).

    Parameters
    ----------
    names : sequence of str
    coverage, accuracy : sequence of array-like of shape (n_points,)
        Shares from 0 to 1.
    area : sequence of float
        The mean accuracy over all shares.

    Examples
    --------
    >>> display = CoverageDisplay(names=["cnn"], coverage=[[0.5, 1]], accuracy=[[0.9, 0.8]], area=[0.85]).plot()
    >>> display.ax_.get_legend().get_texts()[0].get_text()
    'cnn (0.850)'
    """

    _needs_predictions = True

    def __init__(
        self, *, names: Sequence[str], coverage: Sequence[Any], accuracy: Sequence[Any], area: Sequence[float]
    ) -> None:
        self.names = names
        self.coverage = coverage
        self.accuracy = accuracy
        self.area = area

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Create from the content of a report.json; the methods with probabilities are drawn, the best first."""
        methods = [method for method in ranked(document) if method["coverage"] is not None]
        return cls(
            names=[method["name"] for method in methods],
            **{
                key: [method["coverage"][key] for method in methods] for key in ("coverage", "accuracy", "area")
            },
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        ax = self._begin(ax, _WIDTH, _HEIGHT + _LINE * len(self.names))
        drawn = zip(self.names, self.coverage, self.accuracy, self.area, styles(len(self.names)))
        for name, coverage, accuracy, area, style in drawn:
            ax.plot(coverage, accuracy, linestyle=style.line, color=style.color, label=f"{label(name)} ({area:.3f})")
        ax.set(
            xlabel="share of the images that is answered", ylabel="accuracy of the answers", title="coverage (area)",
            xlim=(-0.01, 1.01), ylim=(None, 1.01),
        )
        ax.grid(linewidth=0.8)
        add_legend(ax)
        return self


class RocDisplay(Display):
    """The ROC curve of each method, one class against the rest, as the mean over classes.

    Parameters
    ----------
    names : sequence of str
    fpr, tpr : sequence of array-like of shape (n_points,)
    roc_auc : sequence of float

    Examples
    --------
    >>> display = RocDisplay(names=["cnn"], fpr=[[0, 1]], tpr=[[0, 1]], roc_auc=[0.5]).plot()
    >>> display.ax_.get_legend().get_texts()[0].get_text()
    'cnn (0.500)'
    """

    _needs_predictions = True

    def __init__(
        self, *, names: Sequence[str], fpr: Sequence[Any], tpr: Sequence[Any], roc_auc: Sequence[float]
    ) -> None:
        self.names = names
        self.fpr = fpr
        self.tpr = tpr
        self.roc_auc = roc_auc

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, target: str | None = None) -> Self:
        """Create from the content of a report.json; the methods with probabilities are drawn, the best first.

        Parameters
        ----------
        document : mapping
        target : str, optional
            The target, or the level, by default the finest.
        """
        found = [(method["name"], details_of(document, method, target)["roc"]) for method in ranked(document)]
        drawn = [(name, roc) for name, roc in found if roc is not None]
        return cls(
            names=[name for name, _ in drawn],
            fpr=[roc["false_positive_rate"] for _, roc in drawn],
            tpr=[roc["macro"] for _, roc in drawn],
            roc_auc=[roc["macro_auc"] for _, roc in drawn],
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        ax = self._begin(ax, _WIDTH, _HEIGHT + _LINE * len(self.names))
        ax.plot([0, 1], [0, 1], ":", color=ax.xaxis.label.get_color(), linewidth=1)
        for name, fpr, tpr, area, style in zip(self.names, self.fpr, self.tpr, self.roc_auc, styles(len(self.names))):
            ax.plot(fpr, tpr, linestyle=style.line, color=style.color, label=f"{label(name)} ({area:.3f})")
        ax.set(
            xlabel="false positive rate", ylabel="true positive rate", title="ROC, mean of all classes (area)",
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
        methods = [method for method in ranked(document) if method["calibration"] is not None]
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
