"""Turn scores into calibrated probabilities."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax


def smooth_targets(codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Compute a smoothed class indicator of each row, of shape (n, n_classes).

    Each row's own class gets 1 - 1 / (n + 1), and the remaining 1 / (n + 1) is spread evenly over all classes. This
    corresponds to one additional row of unknown class. Without smoothing, scores that classify every row correctly have
    no temperature of smallest loss: sharper probabilities are always better. Platt (1999) smooths for the same reason.
    """
    doubt = 1 / (len(codes) + 1)
    return (1 - doubt) * np.eye(n_classes)[codes] + doubt / n_classes


def fit_temperature(scores: np.ndarray, codes: np.ndarray, sample_weight: np.ndarray) -> float:
    """Find the temperature T for which softmax(scores / T) has the smallest log loss.

    This is temperature scaling (Guo, Pleiss, Sun & Weinberger, 2017, https://doi.org/10.48550/arXiv.1706.04599), with
    targets from `smooth_targets`.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)
        Scores of held-out rows: the model that gives them was not fitted on the row.
    codes : ndarray of int and shape (n,)
        The class of each row, as a column number of `scores`.
    sample_weight : ndarray of shape (n,)
        The weight of each row in the loss.

    Returns
    -------
    float
        From 0.001 to 1,000 times the spread of the scores; 1 if all scores of each row are equal.
    """
    targets = smooth_targets(codes, scores.shape[1]) * sample_weight[:, None]
    spread = np.sqrt(np.mean((scores - scores.mean(axis=1, keepdims=True)) ** 2))
    if spread <= np.finfo(float).tiny:
        return 1.0
    scaled = scores / spread

    def loss(log_temperature: float) -> float:
        return -float((targets * log_softmax(scaled / np.exp(log_temperature), axis=1)).sum()) / sample_weight.sum()

    # The loss is convex in 1 / T, so it has a single minimum in log T.
    found = minimize_scalar(loss, bounds=(np.log(1e-3), np.log(1e3)), method="bounded", options={"xatol": 1e-6})
    return float(spread * np.exp(found.x))
