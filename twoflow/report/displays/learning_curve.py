"""The plot of a learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from ...errors import InputError
from .base import Display, add_legend, label, styles, tested_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT, _LINE = 420, 320, 18  # pixels; a line for each method in the legend


class LearningCurveDisplay(Display):
    """The tested score of each method by the number of training images, with the standard deviation over folds.

    Parameters
    ----------
    names : sequence of str
    n_train : sequence of float
    mean : sequence of array-like of shape (n_sizes,)
    std : sequence of array-like of shape (n_sizes,)
        None for a score without one, as on a single split.
    score : str
        The name of the score, by default "accuracy".

    Examples
    --------
    >>> display = LearningCurveDisplay(names=["cnn"], n_train=[30, 90], mean=[[0.6, 0.8]], std=[[0.1, 0.1]]).plot()
    >>> display.ax_.get_xlabel()
    'training images'
    """

    def __init__(
        self, *, names: Sequence[str], n_train: Sequence[float], mean: Sequence[Any], std: Sequence[Any],
        score: str = "accuracy",
    ) -> None:
        self.names = names
        self.n_train = n_train
        self.mean = mean
        self.std = std
        self.score = score

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Create from the content of a report.json; ValueError if it has no learning curve."""
        curve = document["learning_curve"]
        if curve is None:
            raise InputError("the comparison has no learning curve; ask for one with train_sizes")
        tested = [method["scores"][document["tested_score"]] for method in curve["methods"]]
        return cls(
            names=[method["name"] for method in curve["methods"]],
            n_train=curve["mean_n_train"],
            mean=[[each["mean"] for each in by_share] for by_share in tested],
            std=[[each["std"] for each in by_share] for by_share in tested],
            score=tested_label(document),
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        ax = self._begin(ax, _WIDTH, _HEIGHT + _LINE * len(self.names))
        for name, mean, std, style in zip(self.names, self.mean, self.std, styles(len(self.names))):
            ax.errorbar(
                self.n_train, mean, None if None in std else std, linestyle=style.line, marker=style.marker,
                markersize=5, color=style.color, elinewidth=1, capsize=3, label=label(name),
            )
        ax.set(xlabel="training images", ylabel=self.score, xlim=(0, None))
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.grid(linewidth=0.8)
        add_legend(ax)
        return self
