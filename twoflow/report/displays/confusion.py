"""The plot of a confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..ranking import details_of
from .base import ACCENT, Display, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DARKEST = 0.55  # opacity of the color, on which a number is still readable
WRITTEN, NAMED = 30, 70
"""Numbers of classes up to which the counts, and the names, of a matrix fit."""

_SIDE = 640  # pixels of the cells of a larger matrix


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
    def from_document(
        cls, document: Mapping[str, Any], *, method: int | None = None, target: str | None = None
    ) -> Self:
        """Create from the content of a report.json; confused classes of the finest target are beside each other.

        Parameters
        ----------
        document : mapping
        method : int
            The position of the method, by default that of the best. Predictions that are no class are left out.
        target : str, optional
            The target, or the level, by default the finest.
        """
        dataset = document["dataset"]
        details = details_of(document, document["methods"][document["best"] if method is None else method], target)
        name = dataset["finest"] if target is None else target
        classes = next(each["classes"] for each in dataset["targets"] if each["name"] == name)
        order = dataset["class_order"] if name == dataset["finest"] else list(range(len(classes)))
        place = {k: i for i, k in enumerate(order)}
        matrix = np.zeros((len(order), len(order)), dtype=int)
        for true, predicted, count in details["confusion"]:
            if predicted is not None:
                matrix[place[true], place[predicted]] = count
        return cls(confusion_matrix=matrix, display_labels=[classes[k]["name"] for k in order])

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self.

        Up to 30 classes the cells have their counts, and up to 70 classes the axes have the names.
        """
        matrix = np.asarray(self.confusion_matrix)
        n = len(matrix)
        side = max(360, 150 + _side(n))
        ax = self._begin(ax, side, side)
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        if n <= WRITTEN:
            _write_cells(ax, matrix, shares)
        else:
            _color_cells(ax, shares)
        names = [label(name, 18) for name in self.display_labels] if n <= NAMED else []
        ax.set_xticks(range(len(names)), names, rotation=90, parse_math=False)
        ax.set_yticks(range(len(names)), names, parse_math=False)
        ax.tick_params(length=0)
        ax.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
        ax.set(xlabel="predicted class", ylabel="true class")
        for spine in ax.spines.values():
            spine.set_visible(True)
        return self


def _side(n: int) -> int:
    """Return the side of all cells together in pixels, for n classes."""
    if n <= 12:
        return 36 * n
    return 26 * n if n <= WRITTEN else 14 * n if n <= NAMED else _SIDE


def _write_cells(ax: Axes, matrix: np.ndarray, shares: np.ndarray) -> None:
    """Draw each cell as a square with its count."""
    from matplotlib.patches import Rectangle

    for true, predicted in zip(*np.nonzero(matrix)):
        corner = (predicted - 0.5, true - 0.5)
        ax.add_patch(
            Rectangle(corner, 1, 1, color=ACCENT, alpha=_DARKEST * shares[true, predicted], linewidth=0)
        )
        ax.text(
            predicted, true, f"{matrix[true, predicted]:,}", ha="center", va="center",
            fontsize="small" if len(matrix) <= 12 else "xx-small",
        )


def _color_cells(ax: Axes, shares: np.ndarray) -> None:
    """Draw the cells as one image, which is small for any number of classes."""
    from matplotlib.colors import to_rgb

    cells = np.empty((*shares.shape, 4))
    cells[..., :3] = to_rgb(ACCENT)
    cells[..., 3] = np.sqrt(shares)  # rare confusions show
    ax.imshow(cells, interpolation="nearest")
