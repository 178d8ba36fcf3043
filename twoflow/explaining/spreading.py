"""Scores that are sums over features, spread over the image by the flows themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._jobs import one_blas_thread, threads_per_task
from ..flows.engine.location import locate
from ..images import LoadedImage
from .flow_columns import columns_by_flow
from .maps import choose_grid, lay

#: A contribution that is smaller, relative to the score, is the rounding of features to float16.
_ROUNDING = 1e-5


class Spread(NamedTuple):
    """A score, spread over flows and places; see `Reason`.

    Attributes
    ----------
    map : ndarray of shape (rows, columns) and dtype float64, or None
    unlocated, shares : dict of str to float
    """

    map: np.ndarray | None
    unlocated: dict[str, float]
    shares: dict[str, float]


def spread(
    flow: Any, image: LoadedImage, x: np.ndarray, weights: np.ndarray, values: np.ndarray, constants: Sequence[float]
) -> list[Spread]:
    """Spread scores over the flows, and over the image where a flow knows the places of its features.

    Parameters
    ----------
    flow : Flow
        Fitted.
    image : LoadedImage
    x : ndarray of shape (n_features,)
        The features of the image.
    weights : ndarray of shape (n_scores, n_features) and dtype float64
        Weights times x are the parts of the scores that have a place.
    values : ndarray of shape (n_scores, n_features) and dtype float64
        The parts of the scores, with a place or without.
    constants : sequence of n_scores floats
        With the sum of its values, each is a score.

    Returns
    -------
    list of Spread
        One for each score.
    """
    columns = columns_by_flow(flow)
    with one_blas_thread():
        parts = [weights[:, place] for place in columns.values()]
        located = locate(flow.members(), image, parts, threads_per_task(flow.n_jobs, 1))
    grid = choose_grid(image.size)
    maps = {name: lay(placed, grid) for name, placed in zip(columns, located) if placed is not None}
    spreads = []
    for i, (own, constant) in enumerate(zip(values, constants)):
        shares = {name: float(own[place].sum()) for name, place in columns.items()}
        rest = {name: share - float(maps[name][i].sum()) if name in maps else share for name, share in shares.items()}
        least = _ROUNDING * (1 + abs(constant + float(own.sum())))
        unlocated = {name: value for name, value in rest.items() if name not in maps or abs(value) > least}
        own_map = np.sum([each[i] for each in maps.values()], axis=0) if maps else None
        spreads.append(Spread(own_map, unlocated, shares))
    return spreads
