"""Heads whose score of a class is linear in the features of an image."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np


class LinearScore(NamedTuple):
    """A score that is linear in features: ``weights @ x + constant``.

    Attributes
    ----------
    weights : ndarray of shape (n_features,) and dtype float64
    constant : float
    """

    weights: np.ndarray
    constant: float

    def at(self, x: np.ndarray) -> float:
        """Return the score of the features `x`, of shape (n_features,)."""
        return float(self.weights @ x.astype(np.float64)) + self.constant


@singledispatch
def linearize(head: Any, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    return None
