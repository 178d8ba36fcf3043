"""Decide ties by a rule. Rounding differs between machines and numbers of threads, so it must not decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Predictions of indicators, from 0 to 1, that are closer than this are equal. Another order of the sums changes them
#: by up to 1e-7 in float32 (1,500 rows, 6,000 columns).
TOLERANCE = 1e-6


def first_of_best(scores: Sequence[float] | np.ndarray) -> int:
    """Return the position of the first score that is within `TOLERANCE` of the greatest.

    Parameters
    ----------
    scores : sequence of float
        Accuracies, or other scores from 0 to 1.

    Examples
    --------
    >>> first_of_best([0.5, 0.9 - 1e-12, 0.9])
    1
    """
    scores = np.asarray(scores, dtype=float)
    return int(np.flatnonzero(scores >= scores.max() - TOLERANCE)[0])


def credit(scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return 1 for each row whose own class has the greatest score, and 0 for the others.

    If k classes tie with the greatest score, within `TOLERANCE`, and the own class is one of them, the row gets 1 / k.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)
    codes : ndarray of int and shape (n,)
        The own class of each row.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> credit(np.array([[0.9, 0.1], [0.5, 0.5 + 1e-12], [0.9, 0.1]]), np.array([0, 0, 1]))
    array([1. , 0.5, 0. ])
    """
    is_best = scores >= scores.max(axis=1, keepdims=True) - TOLERANCE
    return is_best[np.arange(len(codes)), codes] / is_best.sum(axis=1)
