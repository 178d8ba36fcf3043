"""How much the positions of a map count when products are expected in the middle of the image."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .views import View


@lru_cache(maxsize=64)
def weigh_positions(view: View, shape: tuple[int, int], spread: float) -> np.ndarray:
    """Weigh the positions of a view's map by a Gaussian around the middle of the image.

    A position lies in the middle of its share of the view. The middle of the image is that of what the views show
    together, so a position in the corner of a corner crop counts least.

    Parameters
    ----------
    view : View
    shape : (int, int)
        Rows and columns of the map, turned back as it is in the image.
    spread : float
        The standard deviation, as a share of the image's sides.

    Returns
    -------
    ndarray of shape (rows, columns) and dtype float64
        1 in the middle. It is shared, so it cannot be written to.
    """
    across, down = view.span
    rows, columns = (
        np.exp(-((start + (np.arange(n) + 0.5) / n * (stop - start) - 0.5) ** 2) / (2 * spread**2))
        for n, (start, stop) in zip(shape, (down, across))
    )
    weights = np.outer(rows, columns)
    weights.setflags(write=False)
    return weights
