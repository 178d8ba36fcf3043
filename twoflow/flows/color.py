"""The flow of color: how much of which color, where."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import ClassVar, NamedTuple

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from ..errors import InputError
from ..images import LoadedImage
from ..store import StoreLike
from .base import Flow
from .contract import FlowTags


class _Space(NamedTuple):
    conversion: str | None  # the name of OpenCV's constant
    ranges: tuple[tuple[int, int], ...]  # of each channel as OpenCV stores it, the upper end excluded


_SPACES = {
    "rgb": _Space(None, ((0, 256), (0, 256), (0, 256))),
    "hsv": _Space("COLOR_RGB2HSV_FULL", ((0, 256), (0, 256), (0, 256))),
    # a* and b* are stored with 128 added; sRGB has none beyond -108 and 99.
    "lab": _Space("COLOR_RGB2LAB", ((0, 256), (18, 238), (18, 238))),
}


class ColorHistogram(Flow):
    """Joint histograms of the three channels of a color space, one for each cell of a grid.

    Swain & Ballard (1991): the histogram of a thing's colors hardly changes as it turns, moves or is partly hidden.
    Each cell's histogram is divided by the cell's number of pixels and so sums to one, whatever the size of the
    image and the grid.

    Parameters
    ----------
    space : {"hsv", "lab", "rgb"}
        "hsv" bins hue from 0 to 360 degrees, saturation from 0 to 1, value from 0 to 1, and puts what has no hue at
        0 degrees; "lab" bins CIE L* from 0 to 100, a* and b* from -110 to 110, where all of sRGB lies; "rgb" bins
        each channel from 0 to 255. All bins of a channel are equally wide.
    bins : (int, int, int)
        How many bins each channel has.
    grid : (int, int)
        Rows and columns of cells; (1, 1) is one histogram of the whole image.
    size : int
        The side, in pixels, of the square the image is stretched to first.
    n_jobs, on_error, verbose, store
        See `Flow`.

    References
    ----------
    M. J. Swain, D. H. Ballard: Color Indexing. International Journal of Computer Vision 7, 1991,
    https://doi.org/10.1007/BF00130487.

    Examples
    --------
    >>> from twoflow import ColorHistogram, make_shop
    >>> shop = make_shop(n_classes=2, n_per_class=2, random_state=0)
    >>> ColorHistogram(bins=(8, 4, 4), grid=(2, 2)).fit_transform(shop).shape
    (4, 512)
    """

    _parameter_constraints: ClassVar[dict] = {
        **Flow._parameter_constraints,
        "space": [StrOptions(set(_SPACES))],
        "bins": [tuple, list],
        "grid": [tuple, list],
        "size": [Interval(Integral, 1, None, closed="left")],
    }
    feature_prefix = "color"

    def __init__(
        self,
        space: str = "hsv",
        bins: tuple[int, int, int] = (8, 4, 4),
        grid: tuple[int, int] = (1, 1),
        *,
        size: int = 256,
        n_jobs: int | None = None,
        on_error: str = "raise",
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        super().__init__(n_jobs=n_jobs, on_error=on_error, verbose=verbose, store=store)
        self.space = space
        self.bins = bins
        self.grid = grid
        self.size = size

    def check_parameters(self) -> None:
        _check_bins(self.bins)
        _check_grid(self.grid, self.size, self.size)

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return color_histogram(image.resized((self.size, self.size)), self.space, self.bins, self.grid)

    @property
    def n_features_out(self) -> int:
        return int(np.prod(self.bins)) * int(np.prod(self.grid))

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        tags.feature_kind = "histogram"
        return tags


def color_histogram(
    pixels: np.ndarray, space: str = "hsv", bins: Sequence[int] = (8, 4, 4), grid: Sequence[int] = (1, 1)
) -> np.ndarray:
    """The color histograms of one image.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3) and dtype uint8
        RGB.
    space, bins, grid
        See `ColorHistogram`.

    Returns
    -------
    ndarray of shape (n_features,) and dtype float32
        By row and column of the grid, then by bin of the first, second and third channel; each cell sums to one.

    Raises
    ------
    ValueError
        If `bins` or `grid` do not fit, or the image has fewer pixels than the grid has cells, either way.
    """
    height, width = pixels.shape[:2]
    _check_bins(bins)
    _check_grid(grid, height, width)
    conversion, ranges = _SPACES[space]
    channels = pixels if conversion is None else _convert(pixels, conversion)

    rows, columns = (np.arange(length) * n // length for length, n in zip((height, width), grid))
    index = rows[:, None] * grid[1] + columns
    for channel, ((low, high), n) in enumerate(zip(ranges, bins)):
        # A table of 256 bins rather than arithmetic on every pixel; the few values that rounding puts outside the
        # range are counted in its last bin.
        table = ((np.arange(256) - low) * n // (high - low)).clip(0, n - 1)
        index = index * n + table[channels[:, :, channel]]
    n_cells, n_bins = grid[0] * grid[1], int(np.prod(bins))
    counts = np.bincount(index.ravel(), minlength=n_cells * n_bins).reshape(n_cells, n_bins)
    return (counts / counts.sum(axis=1, keepdims=True)).astype(np.float32).ravel()


def _convert(pixels: np.ndarray, conversion: str) -> np.ndarray:
    import cv2

    return cv2.cvtColor(pixels, getattr(cv2, conversion))


def _check_bins(bins: Sequence[int]) -> None:
    if len(bins) != 3 or not all(isinstance(n, Integral) and 1 <= n <= 256 for n in bins):
        raise InputError(f"bins must be three integers from 1 to 256, one a channel, got {bins!r}")


def _check_grid(grid: Sequence[int], height: int, width: int) -> None:
    if len(grid) != 2 or not all(isinstance(n, Integral) and n > 0 for n in grid):
        raise InputError(f"grid must be two positive integers, rows and columns, got {grid!r}")
    if grid[0] > height or grid[1] > width:
        raise InputError(f"a grid of {grid[0]} x {grid[1]} cells does not fit {height} x {width} pixels")
