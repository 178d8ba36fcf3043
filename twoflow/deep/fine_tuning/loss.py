"""The loss of several targets, whose labels may be missing, and the figures of an epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch


class Labels:
    """The labels of images, and the weight of each in the loss.

    Parameters
    ----------
    codes : ndarray of shape (n, k) and dtype int64
        The position of each image's class, by target; -1 is a missing label.
    n_classes : sequence of k int
    class_weights : sequence of k ndarray of shape (n_classes,)
    label_smoothing : float
        The share of each label that is spread evenly over all classes.

    Attributes
    ----------
    codes : tensor of shape (n, k) and dtype int64
        0 for a missing label.
    weights : tensor of shape (n, k) and dtype float32
        0 for a missing label.
    """

    def __init__(
        self,
        codes: np.ndarray,
        n_classes: Sequence[int],
        class_weights: Sequence[np.ndarray],
        label_smoothing: float,
    ) -> None:
        known = codes >= 0
        at = np.where(known, codes, 0).astype(np.int64)
        weights = np.stack([np.asarray(own)[column] for own, column in zip(class_weights, at.T)], axis=1)
        self.codes = torch.from_numpy(at)
        self.weights = torch.from_numpy((weights * known).astype(np.float32))
        self.n_classes = list(n_classes)
        self.label_smoothing = label_smoothing

    def measure(self, scores: torch.Tensor, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the loss and the right answers of images.

        Parameters
        ----------
        scores : tensor of shape (n_rows, total number of classes)
        rows : ndarray of int and shape (n_rows,)
            The positions of the images.

        Returns
        -------
        losses : tensor of shape (k,)
            For each target the weighted sum of the images' smoothed cross-entropies.
        right : tensor of shape (k,)
            For each target how many labels are answered right. It has no gradient.
        """
        codes, weights = (each[rows].to(scores.device) for each in (self.codes, self.weights))
        losses, right = [], []
        for target, own in enumerate(scores.split(self.n_classes, dim=1)):
            logs = own.log_softmax(dim=1)
            truth = logs.gather(1, codes[:, target, None])[:, 0]
            smoothed = (1 - self.label_smoothing) * truth + self.label_smoothing * logs.mean(dim=1)
            losses.append(-(weights[:, target] * smoothed).sum())
            right.append(((own.detach().argmax(dim=1) == codes[:, target]) & (weights[:, target] > 0)).sum())
        return torch.stack(losses), torch.stack(right)

    def total_weights(self, rows: np.ndarray) -> torch.Tensor:
        """Return the sum of the weights of images, of shape (k,); 1 for a target without any label."""
        total = self.weights[rows].sum(dim=0)
        return torch.where(total > 0, total, 1)

    def summarize(self, rows: np.ndarray, losses: torch.Tensor, right: torch.Tensor) -> tuple[float, list[float]]:
        """Return the loss of images, summed over the targets, and the accuracy of each target.

        Parameters
        ----------
        rows : ndarray of int and shape (n_rows,)
        losses, right : tensors of shape (k,)
            The sums over these images of what `measure` returns.
        """
        n_known = (self.weights[rows] > 0).sum(dim=0).clamp(min=1)
        return float((losses.cpu() / self.total_weights(rows)).sum()), (right.cpu() / n_known).tolist()
