"""The flow of layout: how strong each orientation is, at each scale and place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from numbers import Integral
from typing import ClassVar, NamedTuple

import numpy as np
from scipy import fft
from sklearn.utils._param_validation import Interval

from ..errors import InputError
from ..images import LoadedImage
from ..store import StoreLike
from .base import Flow
from .gray import to_gray

_CUTOFF = 4  # cycles per image, up to which brightness counts as lighting
_LEAST_CONTRAST = 0.2  # of log brightness; below it, local contrast is not raised further, or noise would be
_HALF_HEIGHT = np.sqrt(2 * np.log(2))  # standard deviations from a Gaussian's top to half its height


class GISTDescriptor(Flow):
    """Average the responses of Gabor filters over a grid: the "gist" of an image.

    The image is stretched to a square, and lighting is taken out of the logarithm of its brightness: what varies with
    less than 4 cycles per image is subtracted, then the local contrast is divided out. Gabor filters are applied with
    mirrored borders. Their scales are an octave apart; the finest is a quarter of a cycle per pixel. The magnitude of
    each response is averaged over the cells of a grid.

    Parameters
    ----------
    orientations : sequence of int
        How many orientations each scale has, from fine to coarse. The default, (8, 8, 4), gives 320 features on the
        4 x 4 grid; (8, 8, 8, 8) gives 512.
    color : bool
        Describe red, green and blue one after the other, with three times as many features. The default, False,
        describes the brightness.
    grid : int
        How many rows, and how many columns, the grid has. The default is 4.
    size : int
        The side of the square in pixels, a multiple of ``grid * 2 ** (len(orientations) + 1)``. The default is 256.
    n_jobs, on_error, verbose, store
        See `Flow`.

    References
    ----------
    A. Oliva, A. Torralba: Modeling the Shape of the Scene: A Holistic Representation of the Spatial Envelope.
    International Journal of Computer Vision 42, 2001, https://doi.org/10.1023/A:1011139631724.

    Examples
    --------
    >>> from twoflow import GISTDescriptor, make_shop
    >>> shop = make_shop(n_classes=2, n_per_class=2, random_state=0)
    >>> GISTDescriptor().fit_transform(shop).shape
    (4, 320)
    """

    _parameter_constraints: ClassVar[dict] = {
        **Flow._parameter_constraints,
        "orientations": [tuple, list],
        "color": ["boolean"],
        "grid": [Interval(Integral, 1, None, closed="left")],
        "size": [Interval(Integral, 1, None, closed="left")],
    }
    feature_prefix = "gist"

    def __init__(
        self,
        orientations: Sequence[int] = (8, 8, 4),
        *,
        color: bool = False,
        grid: int = 4,
        size: int = 256,
        n_jobs: int | None = None,
        on_error: str = "raise",
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        super().__init__(n_jobs=n_jobs, on_error=on_error, verbose=verbose, store=store)
        self.orientations = orientations
        self.color = color
        self.grid = grid
        self.size = size

    def check_parameters(self) -> None:
        _check_bank(self.orientations, self.grid, self.size)

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return gist(image.resized((self.size, self.size)), self.orientations, color=self.color, grid=self.grid)

    @property
    def n_features_out(self) -> int:
        return (3 if self.color else 1) * sum(self.orientations) * self.grid**2


def gist(
    pixels: np.ndarray, orientations: Sequence[int] = (8, 8, 4), *, color: bool = False, grid: int = 4
) -> np.ndarray:
    """Compute the GIST descriptor of one image.

    Parameters
    ----------
    pixels : ndarray of shape (size, size, 3) and dtype uint8
        RGB.
    orientations, color, grid
        See `GISTDescriptor`.

    Returns
    -------
    ndarray of shape (n_features,) and dtype float32
        Ordered by channel (with `color`), scale from fine to coarse, orientation, row and column of the grid.
        Orientation i of n varies along the direction i / n of half a turn, clockwise from the x axis, so orientation 0
        responds to upright edges. An image of one color gives zeros.

    Raises
    ------
    ValueError
        If the image is not square, or its size does not fit the grid and the number of scales.
    """
    height, width = pixels.shape[:2]
    if height != width:
        raise InputError(f"expected a square image, got {width} x {height} pixels; stretch it to a square")
    _check_bank(orientations, grid, width)
    bank = _gabor_bank(tuple(orientations), width)
    channels = np.moveaxis(pixels, 2, 0) if color else to_gray(pixels)[None]
    return np.concatenate([_describe(channel, bank, grid) for channel in channels])


class _Band(NamedTuple):
    """The filters of one scale, each cut out of the frequency plane around its own center.

    A filter's window is a 2 ** (scale + 1)-th of the plane in each direction. The inverse transform of the window is
    therefore the filter's response at every `stride`-th pixel, shifted to frequency zero. The shift does not change the
    magnitude.
    """

    stride: int
    corners: tuple[tuple[int, int], ...]  # row and column of each window, in a plane with frequency zero in the middle
    filters: np.ndarray  # (n_orientations, window, window), complex64


class _Bank(NamedTuple):
    margin: int  # pixels mirrored at each border
    bands: tuple[_Band, ...]


@lru_cache(maxsize=8)
def _gabor_bank(orientations: tuple[int, ...], size: int) -> _Bank:
    coarsest = 2 ** len(orientations)
    margin = -(-size // (8 * coarsest)) * coarsest  # an eighth of the image, in whole samples at every scale
    side = size + 2 * margin
    return _Bank(margin, tuple(_gabor_band(2 ** (scale + 1), n, side) for scale, n in enumerate(orientations)))


def _gabor_band(stride: int, n_orientations: int, side: int) -> _Band:
    """Filters centered at 1 / (2 stride) cycles per pixel, for transforms of `side` x `side` pixels."""
    window = side // stride
    half = window // 2  # also the distance of the centers from frequency zero
    # Neighboring filters meet at half their height: at 2/3 of the finer one's center, and half-way in angle.
    radial_width = 1 / 3 / _HALF_HEIGHT
    angular_width = np.pi / (2 * n_orientations) / _HALF_HEIGHT
    corners, filters = [], []
    for angle in np.pi * np.arange(n_orientations) / n_orientations:
        row, column = int(np.rint(half * np.sin(angle))), int(np.rint(half * np.cos(angle)))
        y, x = np.mgrid[-half:half, -half:half] + np.array([row, column])[:, None, None]
        turn = np.angle(np.exp(1j * (np.arctan2(y, x) - angle)))
        response = np.exp(-((np.hypot(x, y) / half - 1) / radial_width) ** 2 / 2 - (turn / angular_width) ** 2 / 2)
        response[(x == 0) & (y == 0)] = 0
        # The window has no last row and column. Without its first, it is its own mirror image.
        response[0] = response[:, 0] = 0
        # Samples lie in the middle of their `stride` pixels, so that a mirrored image has the same samples.
        middle = np.exp(1j * np.pi * (stride - 1) / side * (x + y))
        corners.append((side // 2 - half + row, side // 2 - half + column))
        filters.append(response * middle / side**2)
    return _Band(stride, tuple(corners), np.stack(filters).astype(np.complex64))


def _describe(channel: np.ndarray, bank: _Bank, grid: int) -> np.ndarray:
    padded = np.pad(_even_out(channel), bank.margin, mode="symmetric")
    spectrum = fft.fftshift(fft.fft2(padded, workers=1))
    blocks = []
    for stride, corners, filters in bank.bands:
        window = filters.shape[1]
        products = np.empty_like(filters)
        for (row, column), gabor, product in zip(corners, filters, products):
            np.multiply(spectrum[row:row + window, column:column + window], gabor, out=product)
        responses = fft.ifft2(products, norm="forward", overwrite_x=True, workers=1)
        inner = slice(bank.margin // stride, window - bank.margin // stride)
        responses = responses[:, inner, inner]
        magnitudes = np.sqrt(responses.real**2 + responses.imag**2)
        cell = magnitudes.shape[1] // grid
        blocks.append(magnitudes.reshape(-1, grid, cell, grid, cell).mean(axis=(2, 4)).ravel())
    return np.concatenate(blocks)


def _even_out(channel: np.ndarray) -> np.ndarray:
    """Subtract the lighting from the log brightness and divide by the local contrast; the paper's section 3.1."""
    brightness = np.log1p(np.arange(256, dtype=np.float32))[channel]
    brightness -= brightness.min()  # changes only the rounding: one color gives exact zeros
    detail = brightness - _smooth(brightness)
    contrast = np.sqrt(_smooth(detail**2).clip(0))
    return detail / (_LEAST_CONTRAST + contrast)


def _smooth(values: np.ndarray) -> np.ndarray:
    """Apply a Gaussian low-pass with mirrored borders, at half its height at the cutoff.

    Cosine k of the transform has k / 2 cycles. Beyond 4 cutoffs the Gaussian is under 2 ** -16 and is taken for 0.
    """
    side = len(values)
    n_kept = min(side, 8 * _CUTOFF + 1)
    kept = fft.dct(fft.dct(values, axis=1, norm="ortho", workers=1)[:, :n_kept], axis=0, norm="ortho", workers=1)
    gain = np.exp2(-((np.arange(n_kept, dtype=np.float32) / (2 * _CUTOFF)) ** 2))
    kept = kept[:n_kept] * gain[:, None] * gain
    return fft.idct(fft.idct(kept, n=side, axis=0, norm="ortho", workers=1), n=side, axis=1, norm="ortho", workers=1)


def _check_bank(orientations: Sequence[int], grid: int, size: int) -> None:
    if not orientations or not all(isinstance(n, Integral) and n > 0 for n in orientations):
        raise InputError(f"orientations must be positive integers, one a scale, got {orientations!r}")
    unit = grid * 2 ** (len(orientations) + 1)
    if size % unit:
        raise InputError(
            f"size must be a multiple of {unit} for {len(orientations)} scales on a {grid} x {grid} grid, got {size}"
        )
