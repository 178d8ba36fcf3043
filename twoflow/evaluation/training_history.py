"""How a network was trained, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..deep.fine_tuning.schedule import find_best


class TrainingHistory(NamedTuple):
    """The epochs of one training.

    Attributes
    ----------
    epochs : list of dict
        For each epoch the figures that the network wrote down, such as those of `ConvNetClassifier.history_`.

    Examples
    --------
    >>> losses = [0.9, 0.4, 0.6]
    >>> history = TrainingHistory([{"epoch": i, "valid_loss": loss} for i, loss in enumerate(losses, start=1)])
    >>> history.n_epochs, history.best_epoch
    (3, 2)
    """

    epochs: list[dict[str, Any]]

    @classmethod
    def of(cls, estimator: Any) -> TrainingHistory | None:
        """Return the history of a fitted estimator; None if it has no `history_` of losses."""
        epochs = getattr(estimator, "history_", None)
        if not isinstance(epochs, list) or not epochs or not all(_is_epoch(each) for each in epochs):
            return None
        return cls([dict(epoch) for epoch in epochs])

    @property
    def n_epochs(self) -> int:
        """How many epochs were trained. An epoch 0 is from before the training, and does not count."""
        return self.epochs[-1]["epoch"]

    @property
    def best_epoch(self) -> int:
        """The epoch of the smallest loss on held-out images; the last one if no images were held out."""
        return self.epochs[find_best(self.epochs)]["epoch"]

    @property
    def lower_rates(self) -> list[int]:
        """The epochs whose learning rate is at most 0.6 of that of the epoch before; empty without learning rates."""
        rates = [(epoch["epoch"], epoch["learning_rate"]) for epoch in self.epochs if "learning_rate" in epoch]
        return [number for (_, before), (number, rate) in zip(rates, rates[1:]) if rate <= 0.6 * before]


def find_trainings(fitted: Any) -> list[TrainingHistory]:
    """Return the history of each network that was trained inside something fitted, each training once.

    Parameters
    ----------
    fitted : estimator, or list or tuple of such
        Its attributes are searched too: flows, steps, and the classifiers of a meta-estimator.

    Returns
    -------
    list of TrainingHistory
        Empty if no network was trained.
    """
    return list(_find(fitted, set()))


def _find(part: Any, seen: set[int]) -> Iterator[TrainingHistory]:
    known = getattr(part, "history_", None)  # the parts of a network of several targets have the same one
    key = id(part if known is None else known)
    if key in seen:
        return
    seen.add(key)
    history = TrainingHistory.of(part)
    if history is not None:
        yield history
    elif isinstance(part, (list, tuple)):
        for each in part:
            yield from _find(each, seen)
    elif hasattr(part, "get_params") and not isinstance(part, type):
        for each in vars(part).values():
            yield from _find(each, seen)


def _is_epoch(value: Any) -> bool:
    return isinstance(value, Mapping) and {"epoch", "train_loss"} <= set(value)
