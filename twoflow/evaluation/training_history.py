"""How a network was trained, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple


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
        if "valid_loss" not in self.epochs[-1]:
            return self.n_epochs
        return min(self.epochs, key=_held_out_loss)["epoch"]

    @property
    def lower_rates(self) -> list[int]:
        """The epochs whose learning rate is at most 0.6 of that of the epoch before; empty without learning rates."""
        rates = [(epoch["epoch"], epoch["learning_rate"]) for epoch in self.epochs if "learning_rate" in epoch]
        return [number for (_, before), (number, rate) in zip(rates, rates[1:]) if rate <= 0.6 * before]


def _held_out_loss(epoch: Mapping[str, Any]) -> float:
    """Return the loss on held-out images; infinity if it is not finite, which report.json writes as null."""
    loss = epoch["valid_loss"]
    return loss if loss is not None and math.isfinite(loss) else math.inf


def _is_epoch(value: Any) -> bool:
    return isinstance(value, Mapping) and {"epoch", "train_loss"} <= set(value)
