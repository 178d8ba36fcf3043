"""The plot of how a network was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from ...errors import InputError
from ...evaluation import Comparison
from ...evaluation.training_history import TrainingHistory
from ..document import summarize
from ..svg import to_svg
from .base import PIXELS_PER_INCH, add_legend, label, styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT, _LINE = 760, 320, 18  # pixels; a line for each target in the legend
_THIN, _THICK = 1.0, 1.8  # the width of a line among those of several folds, and of a single one


class _Curve(NamedTuple):
    """A line: the key of its figures, the position among the values of a target if it has one, its name and style."""

    key: str
    target: int | None
    name: str
    style: int


class TrainingDisplay:
    """The loss and the accuracy by epoch, on training images and on held-out images.

    A circle marks the epoch whose weights are kept. A vertical line marks that the learning rate was lowered. With
    several trainings, such as one in each fold, there is a thin line for each, and no vertical lines. For several
    targets there is an accuracy on held-out images for each target.

    Parameters
    ----------
    histories : sequence of list of dict
        The epochs of each training, such as `FineTunedClassifier.history_`.
    target_names : sequence of str, default=()
        The names of several targets, for histories that have accuracies by target.

    Attributes
    ----------
    axes_ : dict of str to matplotlib.axes.Axes
        After `plot`: "loss", and "accuracy" if the histories have one.
    figure_ : matplotlib.figure.Figure
        After `plot`.

    Examples
    --------
    >>> losses = [(0.9, 0.8), (0.4, 0.7)]
    >>> epochs = [{"epoch": i, "train_loss": a, "valid_loss": b} for i, (a, b) in enumerate(losses, start=1)]
    >>> display = TrainingDisplay.from_history(epochs).plot()
    >>> [text.get_text() for text in display.axes_["loss"].get_legend().get_texts()]
    ['training', 'held out']
    """

    axes_: dict[str, Axes]
    figure_: Any

    def __init__(self, histories: Sequence[Sequence[Mapping[str, Any]]], target_names: Sequence[str] = ()) -> None:
        self.histories = histories
        self.target_names = target_names

    @classmethod
    def from_history(cls, history: Sequence[Mapping[str, Any]], target_names: Sequence[str] = ()) -> Self:
        """Create from the epochs of one training, such as `FineTunedClassifier.history_`."""
        return cls([history], target_names)

    @classmethod
    def from_estimator(cls, estimator: Any) -> Self:
        """Create from a fitted classifier that has a `history_`; ValueError for another one."""
        found = TrainingHistory.of(estimator)
        if found is None:
            raise InputError(
                f"expected a fitted classifier with a history_, such as FineTunedClassifier, got "
                f"{type(estimator).__name__}; fit it, or use from_history"
            )
        return cls.from_history(found.epochs, getattr(estimator, "target_names_", ()))

    @classmethod
    def from_comparison(cls, comparison: Comparison, method: int | None = None) -> Self:
        """Create from the result of `compare`; see `from_document`."""
        return cls.from_document(summarize(comparison), method)

    @classmethod
    def from_document(cls, document: Mapping[str, Any], method: int | None = None) -> Self:
        """Create from the content of a report.json.

        Parameters
        ----------
        document : mapping
        method : int, optional
            The position of the method. Default: the best method that has a history.

        Raises
        ------
        InputError
            If the method, or without one every method, has no history.
        """
        methods = document["methods"]
        with_history = [i for i in document["order"] if "training" in methods[i]]
        if method is None and with_history:
            method = with_history[0]
        if method not in with_history:
            which = "any method" if method is None else methods[method]["name"]
            raise InputError(
                f"expected a history of the training of {which}, got none; only networks that are trained have one"
            )
        names = [target["name"] for target in document["dataset"]["targets"]]
        return cls([each["history"] for each in methods[method]["training"]], names)

    def plot(self, figure: Figure | None = None) -> Self:
        """Draw on the given figure, or by default on a new one, and return self."""
        curves = {"loss": self._losses(), "accuracy": self._accuracies()}
        panels = {name: own for name, own in curves.items() if own}
        if figure is None:
            from matplotlib.figure import Figure

            height = _HEIGHT + _LINE * max(map(len, panels.values()))
            width = _WIDTH * len(panels) / len(curves)
            figure = Figure((width / PIXELS_PER_INCH, height / PIXELS_PER_INCH), PIXELS_PER_INCH, layout="constrained")
        self.figure_ = figure
        self.axes_ = dict(zip(panels, figure.subplots(1, len(panels), squeeze=False)[0]))
        for name, ax in self.axes_.items():
            self._draw(ax, panels[name])
            ax.set(xlabel="epoch", ylabel=name)
        return self

    def _repr_html_(self) -> str:
        """Show the plot in a notebook."""
        return to_svg(self)

    def _losses(self) -> list[_Curve]:
        return self._known([_Curve("train_loss", None, "training", 1), _Curve("valid_loss", None, "held out", 0)])

    def _accuracies(self) -> list[_Curve]:
        """Return the lines of accuracies: a line for each target on held-out images, if there are several."""
        training = _Curve("train_accuracy", None, "training", 1)
        by_target = [
            _Curve("valid_accuracies", k, f"held out, {name}", 0 if k == 0 else k + 1)
            for k, name in enumerate(self.target_names) if len(self.target_names) > 1
        ]
        of_targets = all(  # a network of local classifiers has an accuracy for each of them
            len(history[-1].get("valid_accuracies", ())) == len(self.target_names) for history in self.histories
        )
        held_out = by_target if by_target and of_targets else [_Curve("valid_accuracy", None, "held out", 0)]
        return self._known([training, *held_out])

    def _known(self, curves: Sequence[_Curve]) -> list[_Curve]:
        """Return the lines that have figures in the last epoch of every history."""
        return [curve for curve in curves if all(curve.key in history[-1] for history in self.histories)]

    def _draw(self, ax: Axes, curves: Sequence[_Curve]) -> None:
        known = styles(2 + len(self.target_names))
        width = _THIN if len(self.histories) > 1 else _THICK
        for number, epochs in enumerate(self.histories):
            history = TrainingHistory(list(map(dict, epochs)))
            for curve in curves:
                style = known[curve.style]
                at = [epoch["epoch"] for epoch in epochs if curve.key in epoch]
                own = [epoch[curve.key] for epoch in epochs if curve.key in epoch]
                values = np.array(own if curve.target is None else [each[curve.target] for each in own], dtype=float)
                ax.plot(
                    at, values, linestyle=style.line, color=style.color, linewidth=width,
                    marker="." if len(at) == 1 else "", label="_" if number else label(curve.name),
                )
                if history.best_epoch in at:
                    best = at.index(history.best_epoch)
                    ax.plot(at[best], values[best], "o", color=style.color, markerfacecolor="none", markersize=7)
            for epoch in history.lower_rates if len(self.histories) == 1 else ():
                ax.axvline(epoch - 0.5, color=ax.xaxis.label.get_color(), linewidth=0.6, alpha=0.5)
        ax.spines[["top", "right"]].set_visible(False)
        ax.locator_params(axis="x", integer=True)
        ax.grid(linewidth=0.8)
        add_legend(ax)
