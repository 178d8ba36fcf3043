"""The plot of a confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .base import ACCENT, Display, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DARKEST = 0.55  # opacity of the color, on which a number is still readable


class ConfusionDisplay(Display):
    """How many images of each class were predicted as each class.

    The color is the share of the images of a class, so that rare classes show as well as frequent ones.
    `sklearn.metrics.ConfusionMatrixDisplay` colors the numbers themselves.

    Parameters
    ----------
    confusion_matrix : array-like of shape (n_classes, n_classes) and dtype int
        One row for each true class, one column for each predicted class.
    display_labels : sequence of str

    Examples
    --------
    >>> display = ConfusionDisplay(confusion_matrix=[[3, 1], [0, 4]], display_labels=["boot", "clog"]).plot()
    >>> [text.get_text() for text in display.ax_.texts]
    ['3', '1', '4']
    """

    _needs_predictions = True

    def __init__(self, *, confusion_matrix: Any, display_labels: Sequence[str]) -> None:
        self.confusion_matrix = confusion_matrix
        self.display_labels = display_labels

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, method: int = 0) -> Self:
        """Create from the content of a report.json.

        Parameters
        ----------
        document : mapping
        method : int
            The position of the method, by default 0, the reference. Predictions that are no class are left out.
        """
        names = [each["name"] for each in document["dataset"]["classes"]]
        matrix = np.zeros((len(names), len(names)), dtype=int)
        for true, predicted, count in document["methods"][method]["confusion"]:
            if predicted is not None:
                matrix[true, predicted] = count
        return cls(confusion_matrix=matrix, display_labels=names)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        from matplotlib.patches import Rectangle

        matrix = np.asarray(self.confusion_matrix)
        n = len(matrix)
        cell = 36 if n <= 12 else 26  # pixels
        ax = self._begin(ax, max(360, 150 + cell * n), max(360, 150 + cell * n))
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        for true, predicted in zip(*np.nonzero(matrix)):
            corner = (predicted - 0.5, true - 0.5)
            ax.add_patch(
                Rectangle(corner, 1, 1, color=ACCENT, alpha=_DARKEST * shares[true, predicted], linewidth=0)
            )
            ax.text(
                predicted, true, f"{matrix[true, predicted]:,}", ha="center", va="center",
                fontsize="small" if n <= 12 else "xx-small",
            )
        names = [label(name, 18) for name in self.display_labels]
        ax.set_xticks(range(n), names, rotation=90, parse_math=False)
        ax.set_yticks(range(n), names, parse_math=False)
        ax.tick_params(length=0)
        ax.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
        ax.set(xlabel="predicted class", ylabel="true class")
        for spine in ax.spines.values():
            spine.set_visible(True)
        return self
