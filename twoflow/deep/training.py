"""Train a network with skorch. It imports torch and skorch, so it is imported only when it is used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.helper import predefined_split
from torch.utils.data import TensorDataset

from .._progress import Phase, phase
from .network import Batches, Network


class _Progress(Callback):
    """Move a phase of progress on with each epoch, and show the epoch's scores and speed."""

    def __init__(self, shown: Phase) -> None:
        self.shown = shown

    def on_epoch_end(self, net: NeuralNetClassifier, dataset_train: Any, **kwargs: Any) -> None:
        epoch = net.history[-1]
        scores = [f"{key} {epoch[key]:.3f}" for key in ("train_loss", "valid_loss", "valid_acc") if key in epoch]
        self.shown.update(note=", ".join([*scores, f"{len(dataset_train) / epoch['dur']:.0f} images/s"]))


def train(
    network: Network,
    pixels: np.ndarray,
    y: np.ndarray,
    held_out: np.ndarray | None,
    *,
    max_epochs: int,
    batch_size: int,
    learning_rate: float,
    patience: int | None,
    device: torch.device,
    seed: int,
    verbose: bool,
) -> list[dict[str, Any]]:
    """Fit the network in place, with Adam on the cross-entropy.

    Parameters
    ----------
    network : Network
    pixels : ndarray of shape (n, height, width, 3) and dtype uint8
        RGB.
    y : ndarray of shape (n,) and dtype int64
        The position of each image's class.
    held_out : ndarray of shape (n,) and dtype bool, or None
        The images to validate on. None: train on all images for `max_epochs` epochs.
    max_epochs : int
        The largest number of epochs; the learning rate falls to zero by the last one.
    batch_size : int
        How many images each step of training takes.
    learning_rate : float
        The learning rate of the first epoch.
    patience : int or None
        Stop after this many epochs without a smaller loss on the held-out images, and keep the weights of the best
        epoch. It has no effect if `held_out` is None.
    device : torch.device
        Where to compute.
    seed : int
        The seed of the order of the batches.
    verbose : bool
        Whether to show progress on stderr.

    Returns
    -------
    list of dict
        One for each epoch; see `ConvNetClassifier.history_`.
    """
    # With a constant rate, the loss jumps so much from epoch to epoch that early stopping is a matter of luck.
    rate = LRScheduler(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=max_epochs)
    callbacks: list[Any] = [("rate", rate)]
    if held_out is None:
        training, split = _dataset(pixels, y), None
    else:
        training, split = _dataset(pixels[~held_out], y[~held_out]), predefined_split(
            _dataset(pixels[held_out], y[held_out])
        )
        callbacks.append(("stop", EarlyStopping(patience=patience, threshold=0, load_best=True, sink=_nothing)))
    with phase("training", max_epochs, "epochs", verbose=verbose) as shown:
        net = NeuralNetClassifier(
            network,
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=learning_rate,
            max_epochs=max_epochs,
            batch_size=batch_size,
            iterator_train=Batches,
            iterator_train__generator=torch.Generator().manual_seed(seed),
            iterator_valid=Batches,
            train_split=split,
            classes=np.unique(y),
            callbacks=[("progress", _Progress(shown)), *callbacks],
            callbacks__print_log=None,
            device=device,
            verbose=0,
        )
        net.fit(training, None)
    return [_kept(epoch) for epoch in net.history]


def _dataset(pixels: np.ndarray, y: np.ndarray) -> TensorDataset:
    return TensorDataset(torch.from_numpy(pixels), torch.from_numpy(y))


def _kept(epoch: dict[str, Any]) -> dict[str, Any]:
    names = {"train_loss": "train_loss", "valid_loss": "valid_loss", "valid_acc": "valid_accuracy", "dur": "seconds"}
    return {"epoch": epoch["epoch"], **{ours: float(epoch[key]) for key, ours in names.items() if key in epoch}}


def _nothing(text: Iterable[str]) -> None:
    """Print nothing when training stops early; skorch would print a line, but `history_` shows it."""
