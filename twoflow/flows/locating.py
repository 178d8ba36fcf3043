"""Undo pooling for scores: how much each position of a map adds to a linear function of the pooled vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .pooling import GEM_FLOOR, cells, draw_projection, find_spectrum, share_cells, triangle


def locate_pooled(
    maps: Sequence[np.ndarray],
    pooling: str,
    grid: int,
    n_channels: int | None,
    weights: np.ndarray,
    position_weights: Sequence[np.ndarray] | None = None,
) -> list[np.ndarray]:
    """Spread linear functions of a pooled vector over the positions of the maps.

    Parameters
    ----------
    maps : sequence of ndarray of shape (c, rows, columns)
    pooling, grid, n_channels
        See `twoflow.flows.pooling.pool`.
    weights : ndarray of shape (n_functions, n_features)
        For each function, the weight of each value of the pooled vector.
    position_weights
        The `weights` of `pool`.

    Returns
    -------
    list of ndarray of shape (n_functions, rows, columns) and dtype float64
        For each map, the part of each position. The sum of all is ``weights @ pool(...)``, but for the rounding of
        covariances to float16.
    """
    found = [np.zeros((len(weights), *each.shape[1:])) for each in maps]
    places = cells(maps[0].shape[1:], grid)
    shares_of_cells = share_cells(position_weights, grid)
    for (rows, columns), own, shares in zip(places, np.split(weights, len(places), axis=1), shares_of_cells):
        parts = [each[:, rows, columns].reshape(len(each), -1) for each in maps]
        positions = np.concatenate(parts, axis=1)
        if n_channels is not None:
            positions = draw_projection(n_channels, len(positions)) @ positions
        located = np.split(_LOCATORS[pooling](positions, own, shares), len(maps), axis=1)
        for each, values in zip(found, located):
            each[:, rows, columns] += values.reshape(each[:, rows, columns].shape)
    return found


def _of_mean(positions: np.ndarray, weights: np.ndarray, shares: np.ndarray | None) -> np.ndarray:
    return weights @ positions * (1 / positions.shape[1] if shares is None else shares)


def _of_max(positions: np.ndarray, weights: np.ndarray, shares: None) -> np.ndarray:
    """Give all of a channel to the position of its maximum, to the first one at a tie."""
    located = np.zeros((positions.shape[1], len(weights)))
    np.add.at(located, positions.argmax(axis=1), (weights * positions.max(axis=1)).T)
    return located.T


def _of_gem(positions: np.ndarray, weights: np.ndarray, shares: np.ndarray | None) -> np.ndarray:
    """Use that a cubic root m of a mean is the mean divided by m², which is held fixed."""
    cubes = np.maximum(positions, GEM_FLOOR, dtype=np.float64) ** 3
    parts = cubes / positions.shape[1] if shares is None else cubes * shares
    return (weights / np.cbrt(parts.sum(axis=1)) ** 2) @ parts


def _of_covariance(positions: np.ndarray, weights: np.ndarray, shares: np.ndarray | None) -> np.ndarray:
    """Use that the root of C, the sum of x xᵀ over positions, is the sum of y yᵀ, with y = C^-1/4 x.

    C^-1/4, the mean that x is centered by, and the norm of the vector are held fixed. So the part of a position is
    yᵀ W y, where W is the symmetric matrix of the weights. Directions that the pooling leaves out are left out here.
    """
    spectrum = find_spectrum(positions, shares)
    if spectrum is None:
        return np.zeros((len(weights), positions.shape[1]))
    rows, columns = triangle(len(positions))
    root, off_diagonal = spectrum.root, np.where(rows == columns, 1.0, np.sqrt(2))
    norm = np.linalg.norm((root @ root.T)[rows, columns] * off_diagonal)
    turned = root @ spectrum.coordinates
    located = np.empty((len(weights), positions.shape[1]))
    upper = np.zeros((len(positions), len(positions)))
    for own, values in zip(weights, located):
        # A weight off the diagonal is that of a value times √2; half of it belongs to each of the two equal values.
        upper[rows, columns] = own * off_diagonal / norm
        values[:] = ((upper @ turned) * turned).sum(axis=0)
    return located


_LOCATORS: dict[str, Callable[..., np.ndarray]] = {
    "mean": _of_mean,
    "max": _of_max,
    "gem": _of_gem,
    "covariance": _of_covariance,
}
