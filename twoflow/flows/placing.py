"""Where in an image a part of a score lies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..images import Fitting
from .views import View


class Placed(NamedTuple):
    """Parts of one or several scores, laid over an image.

    Attributes
    ----------
    values : ndarray of shape (n_scores, rows, columns) and dtype float64
        For each score, the part of each cell. The cells divide the box evenly.
    box : (float, float, float, float)
        Left, top, right and bottom of the box in the upright image, whose corners are (0, 0) and (1, 1). A box that
        reaches beyond them has cells outside the image, such as those of a network's padding. By default, the box is
        the whole image.
    """

    values: np.ndarray
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


def place_view(view: View, fitting: Fitting, full_size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the box of what a network is shown; see `Placed`.

    Parameters
    ----------
    view : View
    fitting : Fitting
        How the image gets the network's input size.
    full_size : (int, int)
        Width and height of the image.
    """
    larger, corner = (fitting, (0, 0)) if view.crop is None else view.place(fitting)
    placement, shown = larger.place(full_size), fitting.size_of(full_size)
    edges = []
    for axis in (0, 1):
        first = corner[axis] - placement.offset[axis] + placement.start[axis]
        scaled = placement.scaled[axis]
        edges.append((first / scaled, (first + shown[axis]) / scaled))
    (left, right), (top, bottom) = edges
    return left, top, right, bottom
