"""Maps of different sizes on one grid over the image, with their sums kept."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..flows.placing import Placed

#: Cells along the longer side of the image.
_LONGER_SIDE = 64


def choose_grid(size: tuple[int, int]) -> tuple[int, int]:
    """Return the rows and columns of a grid of nearly square cells for an image of this width and height."""
    columns, rows = (max(1, round(_LONGER_SIDE * side / max(size))) for side in size)
    return rows, columns


def lay(placed: Iterable[Placed], grid: tuple[int, int]) -> np.ndarray:
    """Add up maps on the grid.

    Each cell of a map is spread evenly over the part of the grid that it covers, so sums are kept. What lies outside
    the image is left out.

    Parameters
    ----------
    placed : iterable of Placed
    grid : (int, int)
        Rows and columns.

    Returns
    -------
    ndarray of shape (n_scores, rows, columns) and dtype float64
    """
    total = np.zeros(grid)
    for values, (left, top, right, bottom) in placed:
        down = _overlaps(values.shape[1], top, bottom, grid[0])
        across = _overlaps(values.shape[2], left, right, grid[1])
        total = total + down @ values @ across.T
    return total


def _overlaps(n: int, start: float, stop: float, n_cells: int) -> np.ndarray:
    """Return the share of each of n parts of a range that lies in each cell of [0, 1], of shape (n_cells, n)."""
    ends = np.linspace(start, stop, n + 1)
    edges = np.linspace(0, 1, n_cells + 1)
    inside = np.minimum(ends[None, 1:], edges[1:, None]) - np.maximum(ends[None, :-1], edges[:-1, None])
    return np.maximum(inside, 0) / (stop - start) * n
