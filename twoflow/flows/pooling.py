"""Pooling: a map over any number of positions becomes one vector."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import repeat

import numpy as np

GEM_FLOOR = 1e-6  # smaller values are clamped to it, so that the mean of cubes has a root
_LEAST_EIGENVALUE = 1e-6  # relative to the largest; smaller ones are noise
LEAST_CONTRAST = 1e-6  # relative to the values; less variation over positions is float32's rounding


def pool(
    maps: Sequence[np.ndarray],
    pooling: str,
    grid: int,
    n_channels: int | None,
    weights: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Pool the positions of all maps together, into one vector or one for each cell of a grid.

    Parameters
    ----------
    maps : sequence of ndarray of shape (c, rows, columns)
        The outputs of one layer for several views. A vector of shape (c,) is a map of one position.
    pooling : str
        A key of `POOLINGS`.
    grid : int
        How many rows, and how many columns, of cells the maps are divided into.
    n_channels : int or None
        To how many channels the maps are projected at random first; None for no projection.
    weights : sequence of ndarray of shape (rows, columns), optional
        For each map, how much each position counts; only their ratios matter. By default all count the same. "max"
        takes no weights.

    Returns
    -------
    ndarray of shape (n_features,) and dtype float32
        The vectors of the cells, row by row from the top left.
    """
    parts_by_cell = zip(*(_divide(each, grid) for each in maps))
    together = (np.concatenate(parts, axis=1) for parts in parts_by_cell)
    if n_channels is not None:
        together = (draw_projection(n_channels, len(positions)) @ positions for positions in together)
    shares = share_cells(weights, grid)
    return np.concatenate([POOLINGS[pooling](positions, own) for positions, own in zip(together, shares)])


def share_cells(weights: Sequence[np.ndarray] | None, grid: int) -> Iterable[np.ndarray | None]:
    """Return for each cell the share of each of its positions, with sum 1; None for each if all count the same."""
    if weights is None:
        return repeat(None)
    parts_by_cell = zip(*(_divide(each[None], grid) for each in weights))
    together = (np.concatenate(parts, axis=1)[0] for parts in parts_by_cell)
    return [own / own.sum() for own in together]


def count_least(sides: tuple[int, int], grid: int) -> int:
    """Count the positions in the smallest cell of a map with these sides."""
    rows, columns = (min(span.stop - span.start for span in spans(side, grid)) for side in sides)
    return rows * columns


def _divide(output: np.ndarray, grid: int) -> Iterator[np.ndarray]:
    """Yield the cells of a map, each of shape (c, positions)."""
    if output.ndim == 1:
        output = output[:, None, None]
    for rows, columns in cells(output.shape[1:], grid):
        yield output[:, rows, columns].reshape(len(output), -1)


def cells(sides: Sequence[int], grid: int) -> list[tuple[slice, slice]]:
    """Return the rows and columns of each cell of a map with these sides, row by row from the top left."""
    down, across = (spans(side, grid) for side in sides)
    return [(rows, columns) for rows in down for columns in across]


def spans(side: int, grid: int) -> list[slice]:
    """Divide a side into cells, alike from left and right. Neighbors share a position if `side` is no multiple."""
    return [slice(i * side // grid, -(-(i + 1) * side // grid)) for i in range(grid)]


@lru_cache(maxsize=8)
def draw_projection(n_channels: int, width: int) -> np.ndarray:
    """Draw orthonormal directions, the same in every version of NumPy.

    The streams of RandomState are frozen, Generator's are not. Directions that are only drawn, not made orthonormal,
    stretch some channels and shrink others. With 128 to 256 of a ViT's 384 channels this cost two to three points of
    accuracy on look-alike sneakers; see `experiments/any-network`.
    """
    drawn = np.random.RandomState(0).standard_normal((n_channels, width))
    directions, triangle = np.linalg.qr(drawn.T)
    return (directions * np.sign(np.diag(triangle))).T  # the signs make it unique


def _mean(positions: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
    if shares is None:
        return np.mean(positions, axis=1)
    return (positions @ shares).astype(np.float32)


def _max(positions: np.ndarray, shares: None = None) -> np.ndarray:
    return np.max(positions, axis=1)


def _gem(positions: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
    """Compute the generalized mean of Radenović, Tolias & Chum 2019, with exponent 3."""
    clamped = np.maximum(positions, GEM_FLOOR, dtype=np.float64)
    cubes = clamped * clamped * clamped
    return np.cbrt(np.mean(cubes, axis=1) if shares is None else cubes @ shares).astype(np.float32)


def _covariance(positions: np.ndarray, shares: np.ndarray | None = None) -> np.ndarray:
    """Compute the square root of the covariance matrix: Li, Xie, Wang & Zuo 2017, with exponent 1/2.

    The vector is the upper triangle, row by row and of unit norm. Off-diagonal values are multiplied by the square root
    of 2, so that the dot product of two vectors equals that of the two matrices. Values are rounded to float16. A map
    that is constant gives zeros.
    """
    spectrum = find_spectrum(positions, shares)
    rows, columns = triangle(len(positions))
    if spectrum is None:
        return np.zeros(len(rows), np.float32)
    values = (spectrum.root @ spectrum.root.T)[rows, columns]
    values[rows != columns] *= np.sqrt(2)
    return (values / np.linalg.norm(values)).astype(np.float16).astype(np.float32)


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues and eigenvectors of C = X Xᵀ, for centered positions X, without those that are noise.

    Positions with shares are multiplied by the roots of these, after they are centered.

    Attributes
    ----------
    centered : ndarray of shape (c, n)
        X.
    values : ndarray of shape (k,)
        The eigenvalues.
    vectors : ndarray of shape (c, k), or (n, k) with `is_few`
        The eigenvectors of C, or of Xᵀ X.
    is_few : bool
        Whether there are fewer positions than channels, so that the eigenvectors are those of Xᵀ X.
    """

    centered: np.ndarray
    values: np.ndarray
    vectors: np.ndarray
    is_few: bool

    @cached_property
    def root(self) -> np.ndarray:
        """A matrix R of shape (c, k) for which R Rᵀ is the square root of C."""
        if self.is_few:
            return self.centered @ (self.vectors * self.values ** -0.25)
        return self.vectors * self.values ** 0.25

    @property
    def coordinates(self) -> np.ndarray:
        """A matrix of shape (k, n) for which `root` times it is C^-1/4 X."""
        if self.is_few:
            return self.vectors.T
        return (self.vectors * self.values ** -0.5).T @ self.centered


def find_spectrum(positions: np.ndarray, shares: np.ndarray | None = None) -> Spectrum | None:
    """Decompose the covariance of positions of shape (c, n); return None if all positions are alike."""
    x = positions.astype(np.float64)  # in float64, the mean of equal values is exactly that value
    if shares is None:
        centered = x - x.mean(axis=1, keepdims=True)
    else:
        root = np.sqrt(shares)
        centered = (x - (x @ shares)[:, None]) * root
        x *= root
    # Both products of the matrix with its transpose have the same non-zero eigenvalues; the smaller product is faster.
    is_few = x.shape[1] < x.shape[0]
    values, vectors = np.linalg.eigh(centered.T @ centered if is_few else centered @ centered.T)
    if values[-1] <= (LEAST_CONTRAST * np.linalg.norm(x)) ** 2:
        return None
    is_kept = values > _LEAST_EIGENVALUE * values[-1]
    return Spectrum(centered, values[is_kept], vectors[:, is_kept], is_few)


@lru_cache(maxsize=8)
def triangle(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns of the upper triangle of a matrix, row by row."""
    return np.triu_indices(side)


#: Poolings by name; each turns positions of shape (channels, n) and dtype float32, with their shares or None, into a
#: vector.
POOLINGS: dict[str, Callable[..., np.ndarray]] = {
    "mean": _mean,
    "max": _max,
    "gem": _gem,
    "covariance": _covariance,
}
