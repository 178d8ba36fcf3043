"""Turning scores into probabilities that can be believed."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax


def smooth_targets(codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Each row's class as a distribution, of shape (n, n_classes), as if one more row were of no known class.

    Where scores put every row right, no finite sharpness of the probabilities would be the likeliest; Platt (1999)
    answers with such targets.
    """
    doubt = 1 / (len(codes) + 1)
    return (1 - doubt) * np.eye(n_classes)[codes] + doubt / n_classes


def fit_temperature(scores: np.ndarray, codes: np.ndarray, sample_weight: np.ndarray) -> float:
    """The T for which softmax(scores / T) has the smallest log loss.

    Guo, Pleiss, Sun & Weinberger (2017), https://doi.org/10.48550/arXiv.1706.04599.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)
        For rows that what scores them was not fitted on.
    codes : ndarray of int and shape (n,)
        Each row's class, as a column.
    sample_weight : ndarray of shape (n,)
    """
    targets = smooth_targets(codes, scores.shape[1]) * sample_weight[:, None]
    spread = np.sqrt(np.mean((scores - scores.mean(axis=1, keepdims=True)) ** 2))
    if spread <= np.finfo(float).tiny:
        return 1.0
    scaled = scores / spread

    def loss(log_temperature: float) -> float:
        return -float((targets * log_softmax(scaled / np.exp(log_temperature), axis=1)).sum()) / sample_weight.sum()

    # The loss is convex in 1 / T, so it has one valley in log T.
    found = minimize_scalar(loss, bounds=(np.log(1e-3), np.log(1e3)), method="bounded", options={"xatol": 1e-6})
    return float(spread * np.exp(found.x))
