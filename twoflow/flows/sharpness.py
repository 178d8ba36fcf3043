"""The flow that finds blurred images."""

from __future__ import annotations

import numpy as np

from ..images import LoadedImage
from .base import Flow
from .gray import to_gray

_COMMON = (224, 224)  # the size that most networks take, so images are mostly resized to it already


class Sharpness(Flow):
    """Measure how sharp an image is, as one number; see `sharpness`.

    Parameters
    ----------
    n_jobs, on_error, verbose, store
        See `Flow`.
    """

    feature_prefix = "sharpness"
    n_features_out = 1

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return np.array([sharpness(image.resized(_COMMON))], np.float32)


def sharpness(pixels: np.ndarray) -> float:
    """Measure how much of an image's contrast is between neighboring pixels.

    It is the variance of the Laplacian, by which Pech-Pacheco, Cristóbal, Chamorro-Martínez & Fernández-Valdivia (ICPR
    2000, https://doi.org/10.1109/ICPR.2000.903548) measure focus, divided by the variance of the gray values. Without
    the division, a small or faint product on white would count as blurred, because it has few edges.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3) and dtype uint8
        RGB, of one size for all images that are compared.

    Returns
    -------
    float
        0 for an image of one color.
    """
    gray = to_gray(pixels).astype(np.float32)
    neighbors = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
    contrast = float(gray.var())
    return float((neighbors - 4 * gray[1:-1, 1:-1]).var()) / contrast if contrast else 0.0
