"""Find small images that show the same photograph: a hash proposes pairs, two closer comparisons decide.

Product photos often look alike: one object on white. A perceptual hash alone confuses wallets with each other, and so
does the correlation of small copies, because the outline dominates it. So the hash only proposes many pairs. For each
proposed pair, one image is fitted to the other, and the remaining difference is judged where it is largest.

The thresholds were chosen on the photographs of `sneakers` and `products`, to find copies that were re-compressed,
halved, cropped or changed in contrast, and to find no different images.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from joblib import Parallel, delayed
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter, uniform_filter

_FREQUENCIES = 12  # in each direction: 12 x 12 without the mean are 143 bits
_MOST_BITS = 36  # bits in which the hashes of a proposed pair may differ
_BLOCK = 1024  # images to compare with all others at a time, to bound memory
_SMALL = 16  # pixels a side, in the first closer comparison
_LEAST_EXPLAINED = 0.98  # share of a small gray image's variance that the other and its shifts explain
_MOST_EACH = 50  # pairs kept for each image and block, in case thousands are alike
_CHUNK = 256  # pairs in one parallel task

_BLUR, _BORDER, _CELL = 1.2, 2, 4  # pixels, of 32
_NOISE, _MISPLACED = 2.0, 0.25  # gray levels and pixels by which two copies of a photograph may differ
_MOST_SHIFT, _GAINS = 1.5, (0.6, 1.67)
_SATURATED, _WEIGHT_OF_SATURATED = 250, 0.05

#: Largest distance of near duplicates; 1 is the difference that copies of one photograph may have.
MOST_DISTANCE = 1.2

_GRAY = np.array([0.299, 0.587, 0.114], np.float32)


def perceptual_hashes(pixels: np.ndarray) -> np.ndarray:
    """Compute the perceptual hash of each image.

    Parameters
    ----------
    pixels : ndarray of shape (n, 32, 32, 3) and dtype uint8
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


def find_pairs(pixels: np.ndarray, n_jobs: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Find the pairs of small images that are near duplicates.

    Parameters
    ----------
    pixels : ndarray of shape (n, 32, 32, 3) and dtype uint8
        Small images.
    n_jobs : int, optional
        Threads for the last comparison. Default: None, which is one unless joblib is configured otherwise.

    Returns
    -------
    pairs : ndarray of shape (m, 2) and dtype int
        Positions; the first of each pair is below the second.
    distances : ndarray of shape (m,)
        Distances as in `distance`, at most 1.2.
    """
    pairs = np.concatenate([np.empty((0, 2), int), *_candidates(pixels)])
    chunks = [pairs[i:i + _CHUNK] for i in range(0, len(pairs), _CHUNK)]
    found = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(distance)(pixels[chunk[:, 0]], pixels[chunk[:, 1]]) for chunk in chunks
    )
    distances = np.concatenate([np.empty(0, np.float32), *found])
    is_near = distances <= MOST_DISTANCE
    return pairs[is_near], distances[is_near]


def distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Measure how far each pair of images is from the same photograph, where the two differ most.

    Parameters
    ----------
    first, second : ndarray of shape (n, 32, 32, 3) and dtype uint8
        Small images; pair i is first[i] and second[i].

    Returns
    -------
    ndarray of shape (n,) and dtype float32
        0 for equal images, and about 1 for a crop by 4 %. Infinite if one cannot be fitted to the other by a small
        shift and a change of contrast by less than two thirds. Exchanging `first` and `second` changes nothing.

    Notes
    -----
    One image is fitted to the other by least squares. The fit has a brightness, a contrast, a shift and a stretch of
    up to 1.5 of the 32 pixels, the same for all colors (Lucas & Kanade, IJCAI 1981; the gradient is the mean of both
    images' gradients, which leaves no error of second order). The squared remainder is divided by the square of what
    copies may differ by, two gray levels and a quarter of a pixel, and averaged over cells of 4 x 4 pixels. The worst
    cell counts, because a logo or a collar covers only a cell or two. Pixels that are white in the target count
    little: they may have been any brighter before they were clipped.
    """
    if not len(first):
        return np.empty(0, np.float32)
    one, other = (
        gaussian_filter(pixels.astype(np.float32), (0, _BLUR, _BLUR, 0), mode="nearest") for pixels in (first, second)
    )
    return np.minimum(_residual(one, other), _residual(other, one))


def _residual(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Fit `other` to `one`, and return what remains of `one` in its worst cell."""
    n, side = one.shape[:2]
    spreads = [image.std(axis=(1, 2, 3), keepdims=True) + 1 for image in (one, other)]
    dy, dx = np.gradient((one / spreads[0] + other / spreads[1]) / 2 * spreads[1], axis=(1, 2))
    along = np.linspace(-1, 1, side, dtype=np.float32)
    y, x = along[:, None, None], along[:, None]

    def inner(image: np.ndarray) -> np.ndarray:
        return image[:, _BORDER:-_BORDER, _BORDER:-_BORDER].reshape(n, -1)

    target = inner(one)
    causes = np.stack([inner(cause) for cause in (other, dx, dy, x * dx, y * dy)], axis=-1)
    weights = np.where(target < _SATURATED, np.float32(1), np.float32(_WEIGHT_OF_SATURATED))
    weights /= weights.sum(axis=1, keepdims=True)
    means = [np.einsum("nd,nd->n", weights, target)[:, None], np.einsum("nd,ndk->nk", weights, causes)[:, None]]
    causes -= means[1]
    weighted = (causes * weights[..., None]).transpose(0, 2, 1)
    normal = weighted @ causes
    # The ridge gives an image of one color a solution. Its gain is then near 0, which is refused below.
    normal += np.eye(5, dtype=np.float32) * (1e-6 * np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-3)
    fit = np.linalg.solve(normal.astype(float), (weighted @ (target - means[0])[..., None]).astype(float))
    fit = fit.astype(np.float32)
    rest = target - np.clip((causes @ fit)[..., 0] + means[0], 0, 255)

    gain, *moves = fit[..., 0].T
    slopes = inner(dx) ** 2 + inner(dy) ** 2
    allowed = _NOISE**2 + (_MISPLACED * gain[:, None]) ** 2 * slopes
    inside = side - 2 * _BORDER
    cells = uniform_filter((rest**2 / allowed).reshape(n, inside, inside, 3).mean(axis=-1), (0, _CELL, _CELL))
    worst = np.sqrt(cells[:, _CELL // 2:1 - _CELL // 2, _CELL // 2:1 - _CELL // 2].max(axis=(1, 2)))
    is_small = (np.abs(moves) <= _MOST_SHIFT * np.maximum(gain, 0)).all(axis=0)
    return np.where(is_small & (gain > _GAINS[0]) & (gain < _GAINS[1]), worst, np.float32(np.inf))


def _candidates(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Yield pairs with similar hashes whose small gray images explain each other.

    The product of two hashes' signs is the number of bits that agree minus those that differ. A matrix product of
    float32 counts it exactly.
    """
    signs = np.where(perceptual_hashes(pixels), np.float32(1), np.float32(-1))
    least = signs.shape[1] - 2 * _MOST_BITS
    gray, spans = _spans(pixels)
    for rows in _blocks(len(pixels)):
        first, second = np.nonzero(signs[rows] @ signs[rows.start:].T >= least)
        is_pair = first < second
        first, second = first[is_pair] + rows.start, second[is_pair] + rows.start
        explained = np.concatenate([np.empty(0, np.float32), *(
            np.maximum(_share(gray[first[part]], spans[second[part]]), _share(gray[second[part]], spans[first[part]]))
            for part in _blocks(len(first))
        )])
        is_likely = explained >= _LEAST_EXPLAINED
        first, second, explained = first[is_likely], second[is_likely], explained[is_likely]
        order = np.lexsort((-explained, first))
        first, second = first[order], second[order]
        rank = np.arange(len(first)) - np.searchsorted(first, first)
        yield np.stack([first, second], axis=1)[rank < _MOST_EACH]


def _spans(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return small gray images of mean 0 and norm 1, and an orthonormal basis of each with its small shifts."""
    n, half = len(pixels), pixels.shape[1] // _SMALL
    gray = np.empty((n, _SMALL**2), np.float32)
    spans = np.empty((n, 5, _SMALL**2), np.float32)
    along = np.linspace(-1, 1, _SMALL, dtype=np.float32)
    for rows in _blocks(n):
        small = _gray(pixels[rows]).reshape(-1, _SMALL, half, _SMALL, half).mean(axis=(2, 4))
        small = gaussian_filter(small, (0, _BLUR / half, _BLUR / half), mode="nearest")
        dy, dx = np.gradient(small, axis=(1, 2))
        images = np.stack([small, dx, dy, along * dx, along[:, None] * dy], axis=-1).reshape(len(small), -1, 5)
        images -= images.mean(axis=1, keepdims=True)
        gray[rows] = images[..., 0] / np.maximum(np.linalg.norm(images[..., 0], axis=1, keepdims=True), 1e-6)
        spans[rows] = np.linalg.qr(images)[0].transpose(0, 2, 1)
    return gray, spans


def _share(images: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Return the share of each image's variance that the other and its shifts explain, from 0 to 1."""
    return (np.einsum("nd,nkd->nk", images, spans) ** 2).sum(axis=1)


def _gray(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32) @ _GRAY


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK))
