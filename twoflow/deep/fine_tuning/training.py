"""Fine-tune a trunk and its heads. It imports torch, so it is imported only when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .plan import TrainingPlan

#: The code of a missing label.
MISSING = -1


class Trained(NamedTuple):
    """What a fine-tuning has learned besides the weights of the trunk.

    Attributes
    ----------
    heads : list of (ndarray of shape (width, n_classes), ndarray of shape (n_classes,))
        For each target the coefficients and intercepts of the scores, float64, for embeddings as the trunk returns
        them. The softmax of the scores is the probability.
    history : list of dict
        One for each epoch: "epoch", "train_loss", "train_accuracy" and "seconds", and if images are held out also
        "valid_loss" and "valid_accuracy". Epoch 0 is the linear probe, before anything is trained. Losses are weighted,
        smoothed cross-entropies, summed over the targets; accuracies are means over the targets. From epoch 1 on,
        those of the training images are measured during the epoch, on augmented images.
    epochs : int
        How many epochs were trained.
    best_epoch : int
        The epoch whose weights are kept: that of the smallest loss on held-out images, or the last one.
    train_accuracy : float
        The accuracy on the training images as they are, without held-out images; the mean over the targets.
    """

    heads: list[tuple[np.ndarray, np.ndarray]]
    history: list[dict[str, Any]]
    epochs: int
    best_epoch: int
    train_accuracy: float


def fine_tune(
    trunk: Any,
    pixels: np.ndarray,
    codes: np.ndarray,
    n_classes: Sequence[int],
    class_weights: Sequence[np.ndarray],
    held_out: np.ndarray,
    plan: TrainingPlan,
    groups: np.ndarray | None = None,
) -> Trained:
    """Train a trunk in place, with one linear head for each target.

    Parameters
    ----------
    trunk : Trunk
    pixels : ndarray of shape (n, height, width, 3) and dtype uint8
        RGB, of the size that the trunk takes.
    codes : ndarray of shape (n, k) and dtype int64
        The position of each image's class, by target; -1 is a missing label, which has no part in the loss.
    n_classes : sequence of k int
    class_weights : sequence of k ndarray of shape (n_classes,)
        The weight of each class in the loss of its target.
    held_out : ndarray of shape (n,) and dtype bool
        The images to validate on. Nowhere True: train for `max_epochs`, while the learning rate falls to zero.
    plan : TrainingPlan
    groups : ndarray of shape (n,), optional
        Images of one group are left out together when the linear probe chooses its ridge. Default: each image is a
        group.

    Returns
    -------
    Trained
    """
    raise NotImplementedError
