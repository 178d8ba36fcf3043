"""The flow of color: how much of each color, and where."""

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
from .placing import Placed


class Space(NamedTuple):
    conversion: str | None  # the name of OpenCV's constant
    ranges: tuple[tuple[int, int], ...]  # of each channel as OpenCV stores it, without the upper end


SPACES = {
    "rgb": Space(None, ((0, 256), (0, 256), (0, 256))),
    "hsv": Space("COLOR_RGB2HSV_FULL", ((0, 256), (0, 256), (0, 256))),
    # OpenCV adds 128 to a* and b*. In sRGB they lie between -108 and 99.
    "lab": Space("COLOR_RGB2LAB", ((0, 256), (18, 238), (18, 238))),
}


class ColorHistogram(Flow):
    """Count colors: a joint histogram of the three channels of a color space, for each cell of a grid.

    The histogram of an object's colors hardly changes as the object turns, moves or is partly hidden (Swain & Ballard
    1991). Each cell's histogram is divided by the cell's number of pixels, so it sums to one.

    Parameters
    ----------
    space : {"hsv", "lab", "rgb"}
        "hsv", the default, has bins of hue from 0 to 360 degrees, of saturation from 0 to 1 and of value from 0 to 1;
        a gray has a hue of 0 degrees. "lab" has bins of CIE L* from 0 to 100, and of a* and b* from -110 to 110, which
        holds all of sRGB. "rgb" has bins of each channel from 0 to 255. All bins of a channel are equally wide.
    bins : (int, int, int)
        How many bins each channel has. The default is (8, 4, 4).
    grid : (int, int)
        Rows and columns of cells. The default, (1, 1), gives one histogram of the whole image.
    size : int
        The side, in pixels, of the square that images are stretched to first. The default is 256.
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
        "space": [StrOptions(set(SPACES))],
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

    def locate(self, image: LoadedImage, weights: np.ndarray, n_threads: int = 1) -> list[Placed]:
        """Give each pixel the weight of its bin, divided by the number of pixels in its cell; see `Flow`."""
        index = _find_bins(image.resized((self.size, self.size)), self.space, self.bins, self.grid)
        n_pixels = _count(index, self.bins, self.grid).sum(axis=1).repeat(int(np.prod(self.bins)))
        return [Placed((weights / n_pixels)[:, index])]

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
    """Compute the color histograms of one image.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3) and dtype uint8
        RGB.
    space, bins, grid
        See `ColorHistogram`.

    Returns
    -------
    ndarray of shape (n_features,) and dtype float32
        Ordered by row and column of the grid, then by bin of the first, second and third channel. Each cell sums to 1.

    Raises
    ------
    ValueError
        If `bins` or `grid` is wrong, or the grid has more rows or columns than the image.
    """
    _check_bins(bins)
    _check_grid(grid, *pixels.shape[:2])
    counts = _count(_find_bins(pixels, space, bins, grid), bins, grid)
    return (counts / counts.sum(axis=1, keepdims=True)).astype(np.float32).ravel()


def _find_bins(pixels: np.ndarray, space: str, bins: Sequence[int], grid: Sequence[int]) -> np.ndarray:
    """Return the feature that each pixel counts in, of shape (height, width)."""
    conversion, ranges = SPACES[space]
    channels = pixels if conversion is None else _convert(pixels, conversion)
    rows, columns = (np.arange(length) * n // length for length, n in zip(pixels.shape, grid))
    index = rows[:, None] * grid[1] + columns
    for channel, (low_high, n) in enumerate(zip(ranges, bins)):
        index = index * n + bin_table(low_high, n)[channels[:, :, channel]]
    return index


def _count(index: np.ndarray, bins: Sequence[int], grid: Sequence[int]) -> np.ndarray:
    """Count the pixels in each bin, of shape (n_cells, n_bins)."""
    n_cells, n_bins = int(np.prod(grid)), int(np.prod(bins))
    return np.bincount(index.ravel(), minlength=n_cells * n_bins).reshape(n_cells, n_bins)


def bin_table(low_high: tuple[int, int], n: int) -> np.ndarray:
    """Return the bin of each value from 0 to 255: a table to look up, rather than a computation for every pixel.

    Rounding puts a few values outside the range from low to high; they count in its first or last bin.
    """
    low, high = low_high
    return ((np.arange(256) - low) * n // (high - low)).clip(0, n - 1)


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
