"""What follows from the losses of the epochs so far: the learning rate, the best epoch, and when to stop.

All of it is computed from the history. So a training that goes on from a checkpoint needs no state besides it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .plan import TrainingPlan

#: Halve the learning rate after this many epochs in a row without a smaller loss on held-out images, as Gopalakrishnan,
#: Bindhu & Li do.
_HALVE_AFTER = 3
#: The learning rate rises over this many first steps. Adam's own first steps are as large as its later ones, but know
#: little of the size of the gradients.
_WARM_UP = 50

History = Sequence[Mapping[str, Any]]


def find_best(history: History) -> int:
    """Return the position of the epoch with the smallest loss on held-out images, the first of several.

    It is the last one if no images were held out. A loss that is not finite, or None as report.json writes it, is
    larger than all others.
    """
    if "valid_loss" not in history[-1]:
        return len(history) - 1
    return min(range(len(history)), key=lambda position: _held_out_loss(history[position]))


def _held_out_loss(epoch: Mapping[str, Any]) -> float:
    loss = epoch["valid_loss"]
    return loss if loss is not None and math.isfinite(loss) else math.inf


def is_over(history: History, plan: TrainingPlan) -> bool:
    """Return whether the training has ended after the epochs of a history, which begins with epoch 0."""
    since_best = len(history) - 1 - find_best(history)
    return len(history) > plan.max_epochs or (plan.patience is not None and since_best >= plan.patience)


def rate_of_epoch(history: History, max_epochs: int) -> float:
    """Return the learning rate of the epoch after a history, as a share of the first one.

    With held-out images it is halved after each three epochs in a row without a smaller loss. Without them it falls
    along half a cosine, and would be zero after `max_epochs`.
    """
    if "valid_loss" not in history[0]:
        return (1 + math.cos(math.pi * (len(history) - 1) / max_epochs)) / 2
    least, n_without, rate = math.inf, 0, 1.0
    for epoch in history:
        if epoch["valid_loss"] < least:
            least, n_without = epoch["valid_loss"], 0
            continue
        n_without += 1
        if n_without == _HALVE_AFTER:
            rate, n_without = rate / 2, 0
    return rate


def warm_up(step: int) -> float:
    """Return the share of the learning rate for a step, counted from 0 over the whole training."""
    return min(1.0, (step + 1) / _WARM_UP)
