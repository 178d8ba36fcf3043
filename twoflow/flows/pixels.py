"""Flows from the pixels themselves: all of them, or a random projection."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.utils._param_validation import Interval, StrOptions

from ..errors import InputError
from ..images import LoadedImage
from ..images.reading import Source
from ..store import StoreLike
from .base import Flow
from .contract import FlowTags
from .placing import Placed
from .sparse_weights import draw_weights


class RawPixels(Flow):
    """Give every pixel of the image, stretched to one size.

    These are the "raw pixels" of Iliukovich-Strakovskaia, Dral & Dral (2016), Table 1, where the size is 640 x 480. An
    image then has 3.7 MB of features; for a Random Forest on a few thousand images, choose a smaller size.

    Parameters
    ----------
    size : (int, int)
        Width and height in pixels that images are stretched to. The default is (64, 48), with 9,216 features.
    n_jobs, on_error, verbose, store
        See `Flow`.

    Examples
    --------
    >>> from twoflow import RawPixels, make_shop
    >>> shop = make_shop(n_classes=2, n_per_class=2, random_state=0)
    >>> RawPixels(size=(16, 12)).fit_transform(shop).shape
    (4, 576)
    """

    _parameter_constraints: ClassVar[dict] = {**Flow._parameter_constraints, "size": [tuple, list]}
    feature_prefix = "pixels"

    def __init__(
        self,
        size: tuple[int, int] = (64, 48),
        *,
        n_jobs: int | None = None,
        on_error: str = "raise",
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        super().__init__(n_jobs=n_jobs, on_error=on_error, verbose=verbose, store=store)
        self.size = size

    def check_parameters(self) -> None:
        _check_size(self.size)

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        """Return values from 0 to 1, row by row, with red, green and blue of a pixel side by side."""
        return self.unpack(image.resized(self.size).ravel())

    def locate(self, image: LoadedImage, weights: np.ndarray, n_threads: int = 1) -> list[Placed]:
        """Give each pixel its three values times their weights; see `Flow`."""
        return [_place_values(weights * self.extract(image, n_threads), self.size)]

    def pack(self, features: np.ndarray) -> np.ndarray:
        return np.rint(features * np.float32(255)).astype(np.uint8)

    def unpack(self, packed: np.ndarray) -> np.ndarray:
        return packed / np.float32(255)

    @property
    def n_features_out(self) -> int:
        return 3 * self.size[0] * self.size[1]


class PixelProjection(Flow):
    """Project raw pixels at random, with very sparse weights.

    This is the left flow of Iliukovich-Strakovskaia, Dral & Dral (2016), section 4: it turns 640 x 480 x 3 = 921,600
    values into 128, with the very sparse projection of Li, Hastie & Church (KDD 2006,
    https://doi.org/10.1145/1150402.1150436). The result equals `sklearn.random_projection.SparseRandomProjection` on
    `RawPixels`, but the table of all pixels is never built. With the default density, an eighth of the values have a
    non-zero weight; only these are taken out of each image.

    Parameters
    ----------
    n_components : int
        How many features an image gets. The default is 128.
    size : (int, int)
        Width and height in pixels that images are stretched to first. The default is (640, 480).
    density : float in (0, 1] or "auto"
        Share of non-zero weights. "auto", the default, is one over the square root of the number of values.
    random_state : int, RandomState or None
        Draws the weights in `fit`. An integer gives the same weights every time; None, the default, gives others.
    n_jobs, on_error, verbose, store
        See `Flow`.

    Attributes
    ----------
    columns_ : ndarray of shape (n_columns,)
        Positions of the values that have a non-zero weight, in the row of `RawPixels`.
    components_ : sparse matrix of shape (n_components, n_columns) and dtype float32
        The weights of those values.

    Examples
    --------
    >>> from twoflow import PixelProjection, make_shop
    >>> shop = make_shop(n_classes=2, n_per_class=2, random_state=0)
    >>> PixelProjection(n_components=32, random_state=0).fit_transform(shop).shape
    (4, 32)
    """

    _parameter_constraints: ClassVar[dict] = {
        **Flow._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "size": [tuple, list],
        "density": [Interval(Real, 0, 1, closed="right"), StrOptions({"auto"})],
        "random_state": ["random_state"],
    }
    feature_prefix = "projection"

    def __init__(
        self,
        n_components: int = 128,
        size: tuple[int, int] = (640, 480),
        *,
        density: float | str = "auto",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        on_error: str = "raise",
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        super().__init__(n_jobs=n_jobs, on_error=on_error, verbose=verbose, store=store)
        self.n_components = n_components
        self.size = size
        self.density = density
        self.random_state = random_state

    def check_parameters(self) -> None:
        _check_size(self.size)

    def learn(self, images: Sequence[Source], y: Any, groups: Any) -> None:
        """Draw the weights; they do not depend on the images."""
        weights = draw_weights(self.n_components, 3 * self.size[0] * self.size[1], self.density, self.random_state)
        self.columns_ = np.flatnonzero(np.diff(sparse.csc_matrix(weights).indptr))
        self.components_ = weights.astype(np.float32)[:, self.columns_]
        self.components_.sort_indices()

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        pixels = image.resized(self.size).ravel().take(self.columns_)
        return self.components_ @ pixels.astype(np.float32) / np.float32(255)

    def locate(self, image: LoadedImage, weights: np.ndarray, n_threads: int = 1) -> list[Placed]:
        """Give each pixel its three values times what the projections make of the weights; see `Flow`."""
        pixels = image.resized(self.size).ravel()
        values = np.zeros((len(weights), pixels.size))
        values[:, self.columns_] = weights @ self.components_ * (pixels[self.columns_] / 255)
        return [_place_values(values, self.size)]

    @property
    def n_features_out(self) -> int:
        return self.n_components

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        tags.learns_from_data = False  # the weights depend on the seed alone
        tags.feature_kind = "projection"
        return tags


def _place_values(values: np.ndarray, size: Sequence[int]) -> Placed:
    """Add up the three channels of each pixel."""
    width, height = size
    return Placed(values.reshape(len(values), height, width, 3).sum(axis=3, dtype=np.float64))


def _check_size(size: Sequence[int]) -> None:
    if len(size) != 2 or not all(isinstance(side, Integral) and side > 0 for side in size):
        raise InputError(f"size must be two positive integers, width and height, got {size!r}")
