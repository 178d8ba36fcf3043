"""Occlusion: how much of a score is lost if a part of the image is covered.

Zeiler & Fergus, ECCV 2014, section 4.2, https://doi.org/10.1007/978-3-319-10590-1_53.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

#: Windows are two cells wide and high, and move by one cell, so that each cell is covered by four windows.
_SPAN = 2
#: The blur of the cover, as a share of the longer side: strong enough to remove shapes, but it keeps the light.
_BLUR = 0.1


def cover(pixels: np.ndarray) -> np.ndarray:
    """Return what an image is covered with: the image, so blurred that its shapes are gone.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3) and dtype uint8

    Returns
    -------
    ndarray of shape (height, width, 3) and dtype uint8
    """
    return cv2.GaussianBlur(pixels, (0, 0), max(1.0, _BLUR * max(pixels.shape[:2])))


def grid_of(pixels: np.ndarray, budget: int) -> tuple[int, int]:
    """Return the rows and columns of nearly square cells, for at most `budget` windows."""
    height, width = pixels.shape[:2]
    rows = columns = 1
    for n in range(2, budget):
        r = max(1, min(height, round(n * height / max(height, width))))
        c = max(1, min(width, round(n * width / max(height, width))))
        if (r + 1) * (c + 1) > budget:
            break
        rows, columns = r, c
    return rows, columns


def occlude(
    pixels: np.ndarray, budget: int, score: Callable[[list[np.ndarray]], np.ndarray], batch: int = 32
) -> np.ndarray:
    """Cover parts of an image, and return the loss of each cell.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3) and dtype uint8
    budget : int
        The most windows. Each window is an image to score.
    score : callable
        Takes images, and returns an ndarray of shape (n_scores, n_images).
    batch : int
        How many images are scored together, by default 32.

    Returns
    -------
    ndarray of shape (n_scores, rows, columns) and dtype float64
        The loss of each window is spread evenly over its cells, and a cell has the mean over its windows.
    """
    rows, columns = grid_of(pixels, budget)
    covered, windows = cover(pixels), list(_windows(rows, columns))
    whole = score([pixels])[:, 0]
    lost = np.zeros((len(whole), rows, columns))
    seen = np.zeros((rows, columns))
    ends = [np.arange(n + 1) * side // n for n, side in zip((rows, columns), pixels.shape)]
    for start in range(0, len(windows), batch):
        part = windows[start:start + batch]
        scores = score([_cover_window(pixels, covered, window, ends) for window in part])
        for (down, across), values in zip(part, scores.T):
            lost[:, down, across] += ((whole - values) / _size(down, across))[:, None, None]
            seen[down, across] += 1
    return lost / seen


def _windows(rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    for top in range(1 - _SPAN, rows):
        for left in range(1 - _SPAN, columns):
            yield slice(max(top, 0), min(top + _SPAN, rows)), slice(max(left, 0), min(left + _SPAN, columns))


def _size(down: slice, across: slice) -> int:
    return (down.stop - down.start) * (across.stop - across.start)


def _cover_window(
    pixels: np.ndarray, covered: np.ndarray, window: tuple[slice, slice], ends: list[np.ndarray]
) -> np.ndarray:
    place = tuple(slice(int(end[part.start]), int(end[part.stop])) for part, end in zip(window, ends))
    changed = pixels.copy()
    changed[place] = covered[place]
    return changed
