"""How a map over positions becomes one vector, whatever the number of its positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

_GEM_FLOOR = 1e-6  # below it values are clamped, so that there is a mean of their cubes to take the root of
_LEAST_EIGENVALUE = 1e-6  # of the largest; below it they are noise
_LEAST_CONTRAST = 1e-6  # of the values themselves; what varies less over positions is float32's rounding


def pool(maps: Sequence[np.ndarray], pooling: str, grid: int, n_channels: int | None) -> np.ndarray:
    """The positions of all maps together as one vector, or as one for each cell of a grid.

    Parameters
    ----------
    maps : sequence of ndarray of shape (c, rows, columns)
        Of one layer for several views; or vectors of shape (c,), which are maps of one position.
    pooling : str
        A key of `POOLINGS`.
    grid : int
        Into how many rows and columns of cells the maps are divided.
    n_channels : int or None
        To how many the channels are projected at random first.

    Returns
    -------
    ndarray of shape (n_features,) and dtype float32
        Row by row, from the cell at the top left.
    """
    cells = zip(*(_divide(each, grid) for each in maps))
    together = (np.concatenate(parts, axis=1) for parts in cells)
    if n_channels is not None:
        together = (_draw_projection(n_channels, len(positions)) @ positions for positions in together)
    return np.concatenate([POOLINGS[pooling](positions) for positions in together])


def count_least(sides: tuple[int, int], grid: int) -> int:
    """How many positions the smallest cell of a map of these sides has."""
    rows, columns = (min(span.stop - span.start for span in _spans(side, grid)) for side in sides)
    return rows * columns


def _divide(output: np.ndarray, grid: int) -> Iterator[np.ndarray]:
    """The cells of a map, each of shape (c, positions)."""
    if output.ndim == 1:
        output = output[:, None, None]
    for rows in _spans(output.shape[1], grid):
        for columns in _spans(output.shape[2], grid):
            yield output[:, rows, columns].reshape(len(output), -1)


def _spans(side: int, grid: int) -> list[slice]:
    """From left to right the same as from right to left; neighbors share a position where `side` is no multiple."""
    return [slice(i * side // grid, -(-(i + 1) * side // grid)) for i in range(grid)]


@lru_cache(maxsize=8)
def _draw_projection(n_channels: int, width: int) -> np.ndarray:
    """The same on every day: RandomState, unlike Generator, draws for ever what it drew."""
    return np.random.RandomState(0).standard_normal((n_channels, width))


def _mean(positions: np.ndarray) -> np.ndarray:
    return np.mean(positions, axis=1)


def _max(positions: np.ndarray) -> np.ndarray:
    return np.max(positions, axis=1)


def _gem(positions: np.ndarray) -> np.ndarray:
    """The generalized mean of Radenović, Tolias & Chum 2019, with exponent 3."""
    clamped = np.maximum(positions, _GEM_FLOOR, dtype=np.float64)
    return np.cbrt(np.mean(clamped * clamped * clamped, axis=1)).astype(np.float32)


def _covariance(positions: np.ndarray) -> np.ndarray:
    """The square root of the covariance matrix: Li, Xie, Wang & Zuo 2017, with exponent 1/2.

    Its upper triangle, row by row and of unit norm, with off-diagonals times the square root of 2, so that the product
    of two vectors is that of two matrices. Rounded to what float16 holds. A map that is constant has none: zeros.
    """
    x = positions.astype(np.float64)  # in which the mean of equal values is that value
    centered = x - x.mean(axis=1, keepdims=True)
    # The eigenvalues that are not zero are those of either product of the matrix with itself; the smaller is faster.
    is_few = x.shape[1] < x.shape[0]
    values, vectors = np.linalg.eigh(centered.T @ centered if is_few else centered @ centered.T)
    rows, columns = _triangle(len(x))
    if values[-1] <= (_LEAST_CONTRAST * np.linalg.norm(x)) ** 2:
        return np.zeros(len(rows), np.float32)
    is_kept = values > _LEAST_EIGENVALUE * values[-1]
    values, vectors = values[is_kept], vectors[:, is_kept]
    root = centered @ (vectors * values ** -0.25) if is_few else vectors * values ** 0.25
    triangle = (root @ root.T)[rows, columns]
    triangle[rows != columns] *= np.sqrt(2)
    return (triangle / np.linalg.norm(triangle)).astype(np.float16).astype(np.float32)


@lru_cache(maxsize=8)
def _triangle(side: int) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(side)


#: From positions of shape (channels, n) and dtype float32 to features.
POOLINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": _mean,
    "max": _max,
    "gem": _gem,
    "covariance": _covariance,
}
