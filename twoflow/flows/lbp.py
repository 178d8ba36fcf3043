"""The flow of texture: how often each small pattern of brighter and darker neighbors occurs."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from ..errors import InputError
from ..images import LoadedImage
from ..store import StoreLike
from .base import Flow
from .contract import FlowTags
from .gray import to_gray
from .placing import Placed

_N_POINTS = 8


class LBPHistogram(Flow):
    """Count rotation-invariant uniform local binary patterns, in one histogram for each radius.

    Each pixel is compared with eight points on a circle around it. A pattern is uniform if it changes between brighter
    and darker at most twice around the circle. Uniform patterns are counted by their number of brighter points, 0 to 8,
    and all others together, so a radius has ten bins. They stay the same if the image is mirrored, turned by a quarter
    or given more contrast. Every radius has eight points, because the cost grows with their number. Each histogram is
    divided by its number of pixels, so it sums to one.

    Parameters
    ----------
    radii : sequence of int
        Radii of the circles, in pixels of the square. The default is (1, 2, 3).
    size : int
        The side, in pixels, of the square that images are stretched to first. It must be more than twice the largest
        radius. The default is 128.
    n_jobs, on_error, verbose, store
        See `Flow`.

    References
    ----------
    T. Ojala, M. Pietikäinen, T. Mäenpää: Multiresolution Gray-Scale and Rotation Invariant Texture Classification with
    Local Binary Patterns. IEEE Transactions on Pattern Analysis and Machine Intelligence 24, 2002,
    https://doi.org/10.1109/TPAMI.2002.1017623.

    Examples
    --------
    >>> from twoflow import LBPHistogram, make_shop
    >>> shop = make_shop(n_classes=2, n_per_class=2, random_state=0)
    >>> LBPHistogram(radii=(1, 2)).fit_transform(shop).shape
    (4, 20)
    """

    _parameter_constraints: ClassVar[dict] = {
        **Flow._parameter_constraints,
        "radii": [tuple, list],
        "size": [Interval(Integral, 1, None, closed="left")],
    }
    feature_prefix = "lbp"

    def __init__(
        self,
        radii: Sequence[int] = (1, 2, 3),
        *,
        size: int = 128,
        n_jobs: int | None = None,
        on_error: str = "raise",
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        super().__init__(n_jobs=n_jobs, on_error=on_error, verbose=verbose, store=store)
        self.radii = radii
        self.size = size

    def check_parameters(self) -> None:
        _check_radii(self.radii, self.size)

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return lbp_histogram(image.resized((self.size, self.size)), self.radii)

    def locate(self, image: LoadedImage, weights: np.ndarray, n_threads: int = 1) -> list[Placed]:
        """Give each pixel the weights of its patterns, divided by the number of pixels; see `Flow`."""
        gray = to_gray(image.resized((self.size, self.size)))
        values = np.zeros((len(weights), *gray.shape))
        for radius, own in zip(self.radii, np.split(weights, len(self.radii), axis=1)):
            patterns = _find_patterns(gray, radius)
            values[:, radius:-radius, radius:-radius] += own[:, patterns] / patterns.size
        return [Placed(values)]

    @property
    def n_features_out(self) -> int:
        return (_N_POINTS + 2) * len(self.radii)

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        tags.feature_kind = "histogram"
        return tags


def lbp_histogram(pixels: np.ndarray, radii: Sequence[int] = (1, 2, 3)) -> np.ndarray:
    """Count the local binary patterns of one image.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3) and dtype uint8
        RGB.
    radii
        See `LBPHistogram`.

    Returns
    -------
    ndarray of shape (10 * len(radii),) and dtype float32
        For each radius, the shares of the uniform patterns with 0 to 8 points that are at least as bright as the pixel,
        then the share of all other patterns.

    Raises
    ------
    ValueError
        If a radius is not a positive integer, or is so large that no circle lies inside the image.
    """
    _check_radii(radii, min(pixels.shape[:2]))
    return np.concatenate([_histogram(to_gray(pixels), radius) for radius in radii])


def _histogram(gray: np.ndarray, radius: int) -> np.ndarray:
    patterns = _find_patterns(gray, radius)
    counts = np.bincount(patterns.ravel(), minlength=_N_POINTS + 2)
    return (counts / patterns.size).astype(np.float32)


def _find_patterns(gray: np.ndarray, radius: int) -> np.ndarray:
    """Return the pattern of each pixel whose circle lies inside the image; outside all would be black."""
    from skimage.feature import local_binary_pattern

    patterns = local_binary_pattern(gray, _N_POINTS, radius, method="uniform")
    return patterns[radius:-radius, radius:-radius].astype(np.intp)


def _check_radii(radii: Sequence[int], side: int) -> None:
    if not radii or not all(isinstance(radius, Integral) and radius > 0 for radius in radii):
        raise InputError(f"radii must be positive integers, got {radii!r}")
    if 2 * max(radii) >= side:
        raise InputError(f"radius {max(radii)} leaves no circle inside {side} pixels; lower it or raise size")
