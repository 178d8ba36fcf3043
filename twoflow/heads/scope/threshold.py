"""Choose the score below which an image is out of scope."""

from __future__ import annotations

import numpy as np

from ...errors import InputError

#: The fewest out-of-scope images: half of them set the threshold, the other half tests it.
LEAST_OUTSIDE = 4


def choose_threshold(inside: np.ndarray, answered: float, outside: np.ndarray | None = None) -> float:
    """Choose the threshold that scores must reach.

    Parameters
    ----------
    inside : ndarray of shape (n_inside,)
        Scores of held-out images that are in scope.
    answered : float in (0, 1]
        At least this share of them reaches the threshold.
    outside : ndarray of shape (n_outside,), optional
        Scores of images that are out of scope. By default the threshold is the highest that `answered` allows. With
        them it is one that is not higher, with the greatest sum of two shares: of `inside` that reach it, and of
        `outside` that do not. Of several, it is the highest.

    Returns
    -------
    float
        One of the scores in `inside`.

    Examples
    --------
    >>> scores = np.arange(20.0)
    >>> choose_threshold(scores, 0.9), choose_threshold(scores, 0.9, outside=np.array([-2.0, 0.5]))
    (2.0, 1.0)
    """
    inside = np.sort(inside)
    # Rounding must not refuse one image more than the share allows.
    refused = int(np.floor((1 - answered) * len(inside) + 1e-9))
    candidates = inside[:refused + 1]
    if outside is None:
        return float(candidates[-1])
    shares = 1 - np.searchsorted(inside, candidates) / len(inside)
    shares += np.searchsorted(np.sort(outside), candidates) / len(outside)
    return float(candidates[np.flatnonzero(shares >= shares.max() - 1e-9)[-1]])


def split_outside(n_rows: int, groups: np.ndarray | None, rng: np.random.RandomState) -> np.ndarray:
    """Draw the half of out-of-scope images that sets the threshold, with groups kept together.

    Returns
    -------
    ndarray of bool and shape (n_rows,)

    Raises
    ------
    ValueError
        If there are fewer than `LEAST_OUTSIDE` images, or one group only.
    """
    if n_rows < LEAST_OUTSIDE:
        raise InputError(
            f"expected at least {LEAST_OUTSIDE} out-of-scope images, got {n_rows}; add some, or leave them out"
        )
    units = np.arange(n_rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    order = rng.permutation(units.max() + 1)
    if len(order) < 2:
        raise InputError("expected out-of-scope images of at least 2 groups, got 1; add some, or leave them out")
    reached = np.bincount(units)[order].cumsum()
    count = int(np.clip(np.searchsorted(reached, n_rows / 2) + 1, 1, len(order) - 1))
    return np.isin(units, order[:count])
