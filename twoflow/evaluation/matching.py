"""Find pairs of small images that may show the same photograph: a hash proposes pairs, closer comparisons decide.

Product photos often look alike: one object on white. A perceptual hash alone confuses wallets with each other. So the
hash only proposes many pairs, a quick fit at 16 pixels a side keeps the likely ones, and `photo_distances` decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter

from .photo_distance import GRAY, PhotoDistances, halve, photo_distances

_FREQUENCIES = 12  # in each direction: 12 x 12 without the mean are 143 bits
_MOST_BITS = 36  # bits in which the hashes of a proposed pair may differ
_BLOCK = 1024  # images to compare with all others at a time, to bound memory
_SMALL = 16  # pixels a side, in the first closer comparison
_MOST_EACH = 50  # pairs kept for each image and block, in case thousands are alike
_CHUNK = 128  # pairs in one parallel task

_BLUR, _WHITE, _NOISE, _MISPLACED = 0.6, 245, 2.5, 0.1  # pixels; gray levels; gray levels; pixels
_SHARES, _FEWEST_PIXELS = (0.4, 0.8), 20  # of the pixels that are not white
# A pair is likely if most pixels differ little; or if it was perhaps made brighter, which the fit at 16 pixels does not
# know: then its hashes must be closer. In units of the noise, and in bits.
_LIKELY, _BRIGHTENED, _BRIGHTENED_BITS = 1.5, (1.75, 4.6), 24


class Matches(NamedTuple):
    """Pairs of images that are alike.

    Attributes
    ----------
    pairs : ndarray of shape (m, 2) and dtype int
        Positions; the first of each pair is below the second.
    distances : PhotoDistances
        Their distances. `alike` is at most 1.
    """

    pairs: np.ndarray
    distances: PhotoDistances


def perceptual_hashes(pixels: np.ndarray) -> np.ndarray:
    """Compute the perceptual hash of each image.

    Parameters
    ----------
    pixels : ndarray of shape (n, side, side, 3)
        Small images.

    Returns
    -------
    ndarray of shape (n, 143) and dtype bool
        Which of the 12 x 12 lowest coefficients of the gray image's discrete cosine transform are above their median.
        The first coefficient, the brightness, is left out.
    """
    lowest = np.empty((len(pixels), _FREQUENCIES**2 - 1), np.float32)
    for rows in _blocks(len(pixels)):
        spectrum = dctn(_gray(pixels[rows]), axes=(1, 2), norm="ortho")
        lowest[rows] = spectrum[:, :_FREQUENCIES, :_FREQUENCIES].reshape(len(spectrum), -1)[:, 1:]
    return lowest > np.median(lowest, axis=1, keepdims=True)


def find_pairs(pixels: np.ndarray, n_jobs: int | None = None) -> Matches:
    """Find the pairs of small images that are alike.

    Parameters
    ----------
    pixels : ndarray of shape (n, 64, 64, 3) and dtype uint8
        Small images.
    n_jobs : int, optional
        Threads for the last comparison. Default: None, which is one unless joblib is configured otherwise.

    Returns
    -------
    Matches
    """
    pairs = np.concatenate([np.empty((0, 2), int), *_candidates(pixels)])
    chunks = [pairs[i:i + _CHUNK] for i in range(0, len(pairs), _CHUNK)]
    found = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(photo_distances)(pixels[chunk[:, 0]], pixels[chunk[:, 1]]) for chunk in chunks
    )
    near, alike = (np.concatenate([np.empty(0, np.float32), *parts]) for parts in list(zip(*found)) or ((), ()))
    is_alike = alike <= 1
    return Matches(pairs[is_alike], PhotoDistances(near[is_alike], alike[is_alike]))


def _candidates(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Yield pairs with similar hashes whose small gray images fit each other.

    The product of two hashes' signs is the number of bits that agree minus those that differ. A matrix product of
    float32 counts it exactly.
    """
    signs = np.where(perceptual_hashes(pixels), np.float32(1), np.float32(-1))
    small = _Small(pixels)
    for rows in _blocks(len(pixels)):
        agreed = signs[rows] @ signs[rows.start:].T
        first, second = np.nonzero(agreed >= signs.shape[1] - 2 * _MOST_BITS)
        is_pair = first < second
        first, second = first[is_pair], second[is_pair]
        bits = (signs.shape[1] - agreed[first, second]) / 2
        first, second = first + rows.start, second + rows.start
        middle, most = np.concatenate([np.empty((2, 0), np.float32), *(
            np.minimum(small.rest(first[part], second[part]), small.rest(second[part], first[part]))
            for part in _blocks(len(first))
        )], axis=1)
        is_likely = most <= _LIKELY
        is_likely |= (middle <= _BRIGHTENED[0]) & (most <= _BRIGHTENED[1]) & (bits <= _BRIGHTENED_BITS)
        first, second, most = first[is_likely], second[is_likely], most[is_likely]
        order = np.lexsort((most, first))
        first, second = first[order], second[order]
        rank = np.arange(len(first)) - np.searchsorted(first, first)
        yield np.stack([first, second], axis=1)[rank < _MOST_EACH]


class _Small:
    """Gray images of 16 x 16 pixels, and an orthonormal basis of each with its small shifts and stretches."""

    def __init__(self, pixels: np.ndarray) -> None:
        n = len(pixels)
        self._images = np.empty((n, _SMALL**2), np.float32)
        self._tolerances = np.empty((n, _SMALL**2), np.float32)
        self._is_counted = np.empty((n, _SMALL**2), dtype=bool)
        self._spans = np.empty((n, 5, _SMALL**2), np.float32)
        along = np.linspace(-1, 1, _SMALL, dtype=np.float32)
        for rows in _blocks(n):
            gray = gaussian_filter(_gray(halve(halve(pixels[rows]))), (0, _BLUR, _BLUR), mode="nearest")
            dy, dx = np.gradient(gray, axis=(1, 2))
            self._tolerances[rows] = (_NOISE + _MISPLACED * np.hypot(dx, dy)).reshape(len(gray), -1)
            self._is_counted[rows] = gray.reshape(len(gray), -1) < _WHITE
            causes = np.stack([gray, dx, dy, along * dx, along[:, None] * dy], axis=-1).reshape(len(gray), -1, 5)
            causes -= causes.mean(axis=1, keepdims=True)
            self._images[rows] = causes[..., 0]
            self._spans[rows] = np.linalg.qr(causes)[0].transpose(0, 2, 1)
        self._is_counted[self._is_counted.sum(axis=1) < _FEWEST_PIXELS] = True

    def rest(self, targets: np.ndarray, sources: np.ndarray) -> np.ndarray:
        """Fit sources to targets, and return the largest difference within 0.4 and 0.8 of the pixels, shape (2, m).

        It is in units of what copies may differ by. White pixels do not count.
        """
        images, spans = self._images[targets], self._spans[sources]
        fitted = (images[:, None] @ spans.transpose(0, 2, 1) @ spans)[:, 0]
        rest = np.abs(images - fitted) / self._tolerances[targets]
        counted = self._is_counted[targets]
        ordered = np.sort(np.where(counted, rest, np.float32(np.inf)), axis=1)
        n = counted.sum(axis=1)
        return np.stack([ordered[np.arange(len(n)), (share * (n - 1)).astype(int)] for share in _SHARES])


def _gray(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32) @ GRAY


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK))
