"""Measure how far two small images are from the same photograph, after fitting one to the other.

Copies of a photograph differ in many ways: they were compressed, resized, cropped by a few percent, made brighter or
gray, or a shop's name was written over them. Photographs of two products that look alike differ in details. So one
image is fitted to the other, and what remains is judged cell by cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter, uniform_filter

GRAY = np.array([0.299, 0.587, 0.114], np.float32)

_BLUR = {32: 1.2, 64: 1.5}  # pixels, for images of so many pixels a side
_BORDER, _CELL = 2, 4  # pixels; a cell begins every second pixel
_NOISE, _MISPLACED = 2.5, 0.25  # gray levels and pixels by which copies of one photograph may differ
_MOST_SHIFT = 3 / 64  # of the side
_GAINS, _TONE_GAINS, _SATURATIONS = (0.6, 1.67), (0.8, 1.67), (0.4, 2.5)
_STEPS, _TONE_STEPS, _TONE_NOISE = 4, 6, 6.0  # of the robust fits; gray levels
_CLIPPED, _WEIGHT_OF_CLIPPED, _WHITE = 250, 0.05, 240  # gray levels
_LEAST_SPREAD = 1.0  # standard deviation of a gray image, below which it shows nothing
_SLOPE, _TEXTURED, _FEWEST_CELLS = 3.0, 0.3, 8  # gray levels for each pixel; share of a cell's pixels; cells

# Each limit is a share of the textured cells, and the largest difference that they may have in units of the noise (for
# colors: in gray levels). They were chosen on `products` and `sneakers`: copies were looked for in samples of both, and
# false pairs were judged on all of `products`. So no figure in experiments/guide/audit.md is of held-out photographs.
_ROUGH_LIMIT, _FAR_OFF = (0.7, 1.8), 2
_NEAR_LIMITS = ((0.9, 1.2), (1.0, 4.5))  # the worst cell counts too, because a logo covers only a few
_COLOR_LIMITS = ((0.7, 7.0), (1.0, 25.0))
_ALIKE_LIMITS = ((0.5, 0.7), (0.7, 1.5))

_WAYS = ((False, False), (True, False), (False, True), (True, True))  # is it toned, is it reversed


class PhotoDistances(NamedTuple):
    """Two distances for each of n pairs: 0 for equal images, 1 at the limit, infinite if nothing fits.

    Attributes
    ----------
    near : ndarray of shape (n,) and dtype float32
        Nine tenths of the details must agree well and the others nearly, and the colors except for their strength.
    alike : ndarray of shape (n,) and dtype float32
        Most details must agree, and no color. Never above `near`.
    """

    near: np.ndarray
    alike: np.ndarray


class _Fit(NamedTuple):
    """Fits of n sources to n targets.

    Attributes
    ----------
    rest : ndarray of shape (n, n_cells)
        What remains of each cell, in units of what copies may differ by; infinite if the fit is not possible.
    is_counted : ndarray of shape (n, n_cells) and dtype bool
        Which cells count: those with texture.
    shifts : ndarray of shape (n, 4)
        Shift to the right and down in pixels, and how much more of each at the edges.
    weights : ndarray of shape (n, n_pixels)
        How much each pixel counted.
    """

    rest: np.ndarray
    is_counted: np.ndarray
    shifts: np.ndarray
    weights: np.ndarray


def photo_distances(first: np.ndarray, second: np.ndarray) -> PhotoDistances:
    """Measure how far each pair of images is from the same photograph.

    Parameters
    ----------
    first, second : ndarray of shape (n, 64, 64, 3) and dtype uint8
        Small images; pair i is first[i] and second[i]. Exchanging the two changes nothing.

    Returns
    -------
    PhotoDistances

    Notes
    -----
    One gray image is fitted to the other by weighted least squares. The fit has a brightness, a contrast, a shift and
    a stretch of up to 3 of the 64 pixels (Lucas & Kanade, IJCAI 1981; the gradient is the mean of both images'
    gradients, which leaves no error of second order). Pixels that do not fit lose weight in each of four steps, so
    that a text over one image does not move the rest (Cauchy weights: Holland & Welsch, Communications in Statistics 6,
    1977, https://doi.org/10.1080/03610927708827533). The squared remainder is divided by the square of what copies may
    differ by, 2.5 gray levels and a quarter of a pixel, and averaged over cells of 4 x 4 pixels. Cells without texture
    do not count, because all images agree in white.

    Brightening clips each color at white, after which no contrast fits. So the darker image is also brightened and
    clipped like the other before it is fitted. Of both ways, in both directions, the one that fits best at half the
    size is taken at full size.
    """
    n = len(first)
    near, alike = np.full(n, np.inf, np.float32), np.full(n, np.inf, np.float32)
    if not n:
        return PhotoDistances(near, alike)
    halves = halve(first), halve(second)
    tone = _find_tone(*halves)
    rough, best = np.full(n, np.inf, np.float32), np.full((len(_WAYS), n), np.inf, np.float32)
    rows = np.arange(n)
    for number, way in enumerate(_WAYS):
        if not len(rows):
            break
        fit = _fit(*_prepare(halves[0][rows], halves[1][rows], tone[:, rows], *way))
        rough[rows] = np.minimum(rough[rows], _over_limits(fit, [_ROUGH_LIMIT]))
        best[number, rows] = _over_limits(fit, _NEAR_LIMITS[:1])
        if number == 1:  # both directions give nearly the same, so what is far off in one needs no other
            rows = np.flatnonzero(rough <= _FAR_OFF)
    for number, way in enumerate(_WAYS):
        rows = np.flatnonzero((rough <= 1) & (best.argmin(axis=0) == number))
        if len(rows):
            pairs = first[rows], second[rows]
            prepared = _prepare(*pairs, _find_tone(*pairs), *way)
            fit = _fit(*prepared)
            in_color = _color_fit(*prepared[:2], fit)
            near[rows] = np.maximum(_over_limits(fit, _NEAR_LIMITS), _over_limits(in_color, _COLOR_LIMITS))
            alike[rows] = _over_limits(fit, _ALIKE_LIMITS)
    return PhotoDistances(near, np.minimum(near, alike))


def halve(pixels: np.ndarray) -> np.ndarray:
    """Return images of half the side, float32: each pixel is the mean of four."""
    n, side = pixels.shape[:2]
    return pixels.reshape(n, side // 2, 2, side // 2, 2, 3).mean(axis=(2, 4), dtype=np.float32)


def _find_tone(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Find how the darker image of each pair was brightened to the other.

    Returns
    -------
    ndarray of shape (3, n)
        Whether the first image is the darker one; the factor; the gray levels to add.

    Notes
    -----
    Pixels beside a clipped one do not count, because they are a mixture. On slopes, a difference counts less.
    """
    n = len(first)
    is_first = first.mean(axis=(1, 2, 3)) < second.mean(axis=(1, 2, 3))
    dark, bright = _by_brightness(first, second, is_first)
    highest, lowest = maximum_filter(bright.max(axis=3), (0, 3, 3)), minimum_filter(bright.min(axis=3), (0, 3, 3))
    dark, bright = (uniform_filter(image.astype(np.float32), (0, 3, 3, 0)) for image in (dark, bright))
    is_whole = (highest < _CLIPPED) & (lowest > 255 - _CLIPPED)
    slopes = sum(slope**2 for slope in np.gradient(dark @ GRAY, axis=(1, 2)))
    base = np.repeat((is_whole / (_NOISE**2 + _MISPLACED * slopes)).reshape(n, -1), 3, axis=1) + np.float32(1e-9)
    dark, bright, weights = dark.reshape(n, -1), bright.reshape(n, -1), base
    for _ in range(_TONE_STEPS):
        weights = weights / weights.sum(axis=1, keepdims=True)
        means = [(weights * image).sum(axis=1, keepdims=True) for image in (dark, bright)]
        deviations = [image - mean for image, mean in zip((dark, bright), means)]
        # The constant gives an image of one color the factor 1.
        shared = (weights * deviations[0] * deviations[1]).sum(axis=1, keepdims=True) + 0.04
        gain = shared / ((weights * deviations[0] ** 2).sum(axis=1, keepdims=True) + 0.04)
        weights = base / (1 + ((deviations[1] - gain * deviations[0]) / _TONE_NOISE) ** 2)
    return np.stack([is_first, gain[:, 0], (means[1] - gain * means[0])[:, 0]])


def _by_brightness(first: np.ndarray, second: np.ndarray, is_first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the darker and the brighter image of each pair."""
    swap = is_first.astype(bool)[:, None, None, None]
    return np.where(swap, first, second), np.where(swap, second, first)


def _prepare(
    first: np.ndarray, second: np.ndarray, tone: np.ndarray, is_toned: bool, is_reversed: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the target of the fit, the image to fit, and whether the way is possible, for one of the four ways."""
    is_possible = np.ones(len(first), dtype=bool)
    if is_toned:
        is_first, gain, offset = tone
        dark, first = _by_brightness(first, second, is_first)
        second = np.clip(dark * gain[:, None, None, None] + offset[:, None, None, None], 0, 255)
        is_possible = (gain > _TONE_GAINS[0]) & (gain < _TONE_GAINS[1])
    return (second, first, is_possible) if is_reversed else (first, second, is_possible)


def _fit(target: np.ndarray, source: np.ndarray, is_possible: np.ndarray) -> _Fit:
    """Fit each source to its target."""
    side = target.shape[1]
    grays = [_blurred(image.astype(np.float32) @ GRAY) for image in (target, source)]
    spreads = [gray.std(axis=(1, 2), keepdims=True) + 1 for gray in grays]
    dy, dx = np.gradient((grays[0] / spreads[0] + grays[1] / spreads[1]) / 2 * spreads[1], axis=(1, 2))
    along = np.linspace(-1, 1, side, dtype=np.float32)
    wanted, slopes = _inner(grays[0]), _inner(dx) ** 2 + _inner(dy) ** 2
    ones = np.ones_like(wanted)
    causes = np.stack([ones, *map(_inner, (grays[1], dx, dy, along * dx, along[:, None] * dy))], axis=1)
    base = np.where(wanted < _CLIPPED, np.float32(1), np.float32(_WEIGHT_OF_CLIPPED))
    weights = base
    for _ in range(_STEPS):
        weighted = causes * weights[:, None]
        normal = (weighted @ causes.transpose(0, 2, 1)).astype(float)
        # The ridge gives an image of one color a solution. Such an image is refused below.
        normal += np.eye(6) * (1e-7 * np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-3)
        fit = np.linalg.solve(normal, (weighted @ wanted[..., None]).astype(float)).astype(np.float32)
        rest = wanted - np.clip((fit.transpose(0, 2, 1) @ causes)[:, 0], 0, 255)
        squared = rest**2 / (_NOISE**2 + (_MISPLACED * fit[:, 1]) ** 2 * slopes)
        weights = base / (1 + squared / 4)
    gain, moves = fit[:, 1, 0], np.abs(fit[:, 2:, 0]).max(axis=1)
    is_possible = is_possible & (np.minimum(*spreads)[:, 0, 0] > _LEAST_SPREAD + 1)
    is_possible &= (gain > _GAINS[0]) & (gain < _GAINS[1]) & (moves <= _MOST_SHIFT * side * gain)
    rest = np.sqrt(np.maximum(_cells(squared, side), 0))  # a running sum may end below 0
    return _Fit(
        np.where(is_possible[:, None], rest, np.float32(np.inf)),
        _cells((slopes > _SLOPE**2).astype(np.float32), side) > _TEXTURED,
        np.where(is_possible[:, None], fit[:, 2:, 0] / np.where(is_possible, gain, 1)[:, None], 0),
        weights,
    )


def _color_fit(target: np.ndarray, source: np.ndarray, fit: _Fit) -> _Fit:
    """Move the colors of each source as it was fitted, scale them, and return what remains in gray levels.

    Colors are the differences of red and blue from gray. A color that is up to 2.5 times as strong is the same. Every
    cell counts that has texture or is not white, because a plain garment has its color where it has no texture.
    """
    side = target.shape[1]
    along = np.linspace(-1, 1, side, dtype=np.float32)
    right, down, wider, higher = (shift[:, None, None, None] for shift in fit.shifts.T)
    wanted, moved = (
        _blurred(image[..., ::2].astype(np.float32) - (image.astype(np.float32) @ GRAY)[..., None])
        for image in (target, source)
    )
    dy, dx = np.gradient(moved, axis=(1, 2))
    moved = moved + (right + wider * along[:, None]) * dx + (down + higher * along[:, None, None]) * dy
    wanted, moved = (_inner(image).reshape(len(image), -1, 2) for image in (wanted, moved))
    weights = fit.weights[..., None]
    shared = (weights * wanted * moved).sum(axis=(1, 2))
    strength = np.clip(shared / ((weights * moved**2).sum(axis=(1, 2)) + 1e-3), *_SATURATIONS)
    rest = np.sqrt(((wanted - strength[:, None, None] * moved) ** 2).mean(axis=2))
    is_white = _cells(_inner(target.astype(np.float32).min(axis=3)), side) > _WHITE
    return fit._replace(rest=_cells(rest, side), is_counted=fit.is_counted | ~is_white)


def _blurred(images: np.ndarray) -> np.ndarray:
    blur = _BLUR[images.shape[1]]
    return gaussian_filter(images, (0, blur, blur, *(0 for _ in images.shape[3:])), mode="nearest")


def _inner(images: np.ndarray) -> np.ndarray:
    """Leave out the border, and return one row for each image."""
    return images[:, _BORDER:-_BORDER, _BORDER:-_BORDER].reshape(len(images), -1)


def _cells(values: np.ndarray, side: int) -> np.ndarray:
    """Return the mean of each cell of 4 x 4 pixels; a cell begins every second pixel."""
    inside, middle = side - 2 * _BORDER, _CELL // 2
    means = uniform_filter(values.reshape(-1, inside, inside), (0, _CELL, _CELL))
    return means[:, middle:1 - middle:2, middle:1 - middle:2].reshape(len(values), -1)


def _over_limits(fit: _Fit, limits: Sequence[tuple[float, float]]) -> np.ndarray:
    """Return the largest rest within each share of the counted cells, divided by its limit; of several, the largest.

    If fewer than eight cells count, all do.
    """
    is_counted = fit.is_counted | (fit.is_counted.sum(axis=1, keepdims=True) < _FEWEST_CELLS)
    ordered = np.sort(np.where(is_counted, fit.rest, np.float32(np.inf)), axis=1)
    n_counted, rows = is_counted.sum(axis=1), np.arange(len(ordered))
    return np.max([
        ordered[rows, np.ceil(share * n_counted).astype(int) - 1] / np.float32(most) for share, most in limits
    ], axis=0)
