"""Measure how far the answers of the last hours have moved from those that the model gave for held-out images."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from ..models.model_file import TargetCard

#: The answers that are compared; below the least number there is no value.
WINDOW, LEAST = 1_000, 100
_N_BINS = 10


class Drift:
    """Compares the last 1,000 answers for one target with the held-out answers on the model's card.

    Parameters
    ----------
    target : TargetCard

    Notes
    -----
    The measure is the population stability index, the sum over bins of (p - q) ln(p / q): q is the share of held-out
    answers in a bin, and p the share of served answers. It is 0 for equal shares. Confidences are put into ten bins of
    equally many held-out answers; classes are bins themselves. Half an answer is added to each bin, so that no share is
    0. Without any drift the expected value is about (bins - 1)(1 / n + 1 / m) for n and m answers: 0.018 for ten bins
    and 1,000 answers each. Yurdakul, B., Naranjo, J. (2020), Statistical properties of the population stability index,
    Journal of Risk Model Validation 14 (4), doi:10.21314/JRMV.2020.227.
    """

    def __init__(self, target: TargetCard) -> None:
        self._n_classes = len(target.classes)
        self._window: deque[tuple[int, float]] = deque(maxlen=WINDOW)
        held_out = target.held_out
        self._edges = np.empty(0)
        self._classes: np.ndarray = np.empty(0, int)
        self._confidences: np.ndarray | None = None
        if held_out is not None and len(held_out.predicted):
            self._classes = np.bincount(held_out.predicted, minlength=self._n_classes)
            if not np.isnan(held_out.confidence).any():
                self._edges = np.unique(np.quantile(held_out.confidence, np.linspace(0, 1, _N_BINS + 1)[1:-1]))
                self._confidences = self._binned(held_out.confidence)

    def add(self, position: int, confidence: float) -> None:
        """Add the likeliest class of an image, by its position, and its confidence."""
        self._window.append((position, confidence))

    @property
    def n_answers(self) -> int:
        """How many answers are compared."""
        return len(self._window)

    def of_confidences(self) -> float:
        """Return the index of the confidences; NaN without held-out confidences, or with fewer than 100 answers."""
        if self._confidences is None or self.n_answers < LEAST:
            return math.nan
        served = np.array([confidence for _, confidence in self._window])
        return stability_index(self._confidences, self._binned(served))

    def of_classes(self) -> float:
        """Return the index of the classes; NaN without held-out answers, or with fewer than 100 answers."""
        if not len(self._classes) or self.n_answers < LEAST:
            return math.nan
        served = np.bincount([position for position, _ in self._window], minlength=self._n_classes)
        return stability_index(self._classes, served)

    def _binned(self, confidences: np.ndarray) -> np.ndarray:
        return np.bincount(np.searchsorted(self._edges, confidences), minlength=len(self._edges) + 1)


def stability_index(expected: np.ndarray, observed: np.ndarray) -> float:
    """Return the population stability index of two rows of counts.

    Parameters
    ----------
    expected, observed : ndarray of shape (n_bins,)
        How many of each lie in each bin.

    Returns
    -------
    float
        0 if the shares are equal; it grows without limit.

    Examples
    --------
    >>> import numpy as np
    >>> round(stability_index(np.array([500, 500]), np.array([500, 500])), 3)
    0.0
    >>> round(stability_index(np.array([500, 500]), np.array([800, 200])), 3)
    0.415
    """
    q, p = ((counts + 0.5) / (counts + 0.5).sum() for counts in (expected, observed))
    return float(((p - q) * np.log(p / q)).sum())
