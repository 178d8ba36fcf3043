"""Average the scores of several photos of one item."""

from __future__ import annotations

import numpy as np


def average(probabilities: np.ndarray) -> np.ndarray:
    """Average probabilities of shape (n_images, n_classes) over the images."""
    return probabilities.mean(axis=0)
