"""Train a multilayer perceptron with dropout. It imports torch, so it is imported only when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import TensorDataset

from ..heads.sequential.early_stopping import Patience
from .network import Batches

#: The code of a missing label.
MISSING = -1


class Trained(NamedTuple):
    """A trained perceptron.

    Attributes
    ----------
    coefs : list of ndarray of shape (n_inputs, n_outputs)
    intercepts : list of ndarray of shape (n_outputs,)
    losses : list of float
        The loss of the held-out rows after each epoch; empty if none were held out.
    epochs : int
        How many epochs were trained.
    """

    coefs: list[np.ndarray]
    intercepts: list[np.ndarray]
    losses: list[float]
    epochs: int


class Layers(nn.Module):
    """Dense layers with ReLU and dropout between them.

    Parameters
    ----------
    sizes : sequence of int
        The numbers of features, of units of each hidden layer, and of scores.
    dropout : float
        The share of a hidden layer's units to set to 0 while training.
    generator : torch.Generator
        It draws the weights and the dropout. Torch's global random state is neither used nor changed.
    """

    def __init__(self, sizes: Sequence[int], dropout: float, generator: torch.Generator) -> None:
        super().__init__()
        # skip_init, because a layer's own initialization would draw from the global random state.
        layers: list[nn.Linear] = [nn.utils.skip_init(nn.Linear, *pair) for pair in pairwise(sizes)]
        self.dense = nn.Sequential(*layers)
        self.dropout = dropout
        self.generator = generator
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.bias)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Compute scores of shape (n, n_scores) for features of shape (n, n_features)."""
        *hidden, last = self.dense
        for layer in hidden:
            rows = layer(rows).relu()
            if self.training and self.dropout:
                # The generator is on the CPU, so that every device drops the same units.
                kept = torch.rand(rows.shape, generator=self.generator).to(rows.device) >= self.dropout
                rows = rows * kept / (1 - self.dropout)
        return last(rows)


def train(
    X: np.ndarray,
    codes: np.ndarray,
    n_classes: Sequence[int],
    held_out: np.ndarray,
    *,
    hidden_layer_sizes: Sequence[int],
    dropout: float,
    weight_decay: float,
    learning_rate: float,
    batch_size: int,
    max_epochs: int,
    patience: int | None,
    device: torch.device,
    seed: int,
) -> Trained:
    """Train with Adam on the sum of the targets' mean cross-entropies, and keep the layers of the best epoch.

    Parameters
    ----------
    X : ndarray of shape (n, n_features) and dtype float32
    codes : ndarray of shape (n, k) and dtype int64
        The position of each row's class, by target; `MISSING` has no part in the loss.
    n_classes : sequence of k int
    held_out : ndarray of shape (n,) and dtype bool
        The rows to validate on. Nowhere True: train for `max_epochs`, and keep the last layers.
    hidden_layer_sizes, dropout, weight_decay, learning_rate, batch_size, max_epochs, patience
        See `DropoutMLPClassifier`.
    device : torch.device
        Where to compute.
    seed : int
        The seed of the weights, the dropout and the order of the rows.

    Returns
    -------
    Trained
    """
    generator = torch.Generator().manual_seed(seed)
    network = Layers([X.shape[1], *hidden_layer_sizes, sum(n_classes)], dropout, generator).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, weight_decay=weight_decay)
    inputs, answers = torch.from_numpy(X), torch.from_numpy(codes)
    training = Batches(TensorDataset(inputs[~held_out], answers[~held_out]), batch_size, generator)
    unseen, unseen_answers = inputs[held_out].to(device), answers[held_out].to(device)
    losses: list[float] = []
    stop = Patience(patience)
    for epoch in range(1, max_epochs + 1):
        network.train()
        for rows, truth in training:
            optimizer.zero_grad()
            _sum_losses(network(rows.to(device)), truth.to(device), n_classes).backward()
            optimizer.step()
        if len(unseen):
            network.eval()
            with torch.inference_mode():
                losses.append(float(_sum_losses(network(unseen), unseen_answers, n_classes)))
        if not len(unseen) or stop.is_best(losses[-1]):
            arrays = [each.detach().cpu().numpy().copy() for each in network.parameters()]
            coefs, intercepts = [weight.T for weight in arrays[::2]], arrays[1::2]
        if stop.is_over:
            break
    return Trained(coefs, intercepts, losses, epoch)


def _sum_losses(scores: torch.Tensor, codes: torch.Tensor, n_classes: Sequence[int]) -> torch.Tensor:
    """Return the sum of the targets' mean cross-entropies, each over the rows that have a label."""
    total = scores.sum() * 0
    for part, truth in zip(scores.split(list(n_classes), dim=1), codes.T):
        count = (truth != MISSING).sum().clamp(min=1)
        total = total + cross_entropy(part, truth, ignore_index=MISSING, reduction="sum") / count
    return total
