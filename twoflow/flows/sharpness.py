"""The flow that blurred pictures are found by."""

from __future__ import annotations

import numpy as np

from ..images import Picture
from .base import Flow, FlowTags
from .grey import to_grey

_COMMON = (224, 224)  # where it is measured: the size that most networks take, so mostly resized already


class Sharpness(Flow):
    """How sharp a picture is, one number; see `sharpness`.

    Parameters
    ----------
    n_jobs, on_error, verbose, store
        See `Flow`.
    """

    _feature_prefix = "sharpness"
    _n_features_out = 1

    def _extract(self, picture: Picture, n_threads: int) -> np.ndarray:
        return np.array([sharpness(picture.resized(_COMMON))], np.float32)

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def sharpness(pixels: np.ndarray) -> float:
    """How much of a picture's contrast is between neighbouring pixels.

    The variance of the Laplacian, which Pech-Pacheco, Cristóbal, Chamorro-Martínez & Fernández-Valdivia (ICPR 2000,
    https://doi.org/10.1109/ICPR.2000.903548) take for focus, divided by the variance of the grey values: a small or
    faint product on white has few edges and is not blurred for that.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3) and dtype uint8
        At a size that is the same for all pictures that are compared.

    Returns
    -------
    float
        0 for a picture of one colour.
    """
    grey = to_grey(pixels).astype(np.float32)
    neighbours = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    contrast = float(grey.var())
    return float((neighbours - 4 * grey[1:-1, 1:-1]).var()) / contrast if contrast else 0.0
