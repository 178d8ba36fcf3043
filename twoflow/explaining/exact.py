"""Exact reasons: scores that are linear in features, spread over the image by the flows themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._jobs import one_blas_thread, threads_per_task
from ..flows.engine.location import locate
from ..images import LoadedImage
from .linear import LinearScore
from .maps import choose_grid, lay
from .shares import columns_by_flow

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


def spread(flow: Any, image: LoadedImage, x: np.ndarray, scores: Sequence[LinearScore]) -> list[Spread]:
    """Spread scores over the flows, and over the image where a flow knows the places of its features.

    Parameters
    ----------
    flow : Flow
        Fitted.
    image : LoadedImage
    x : ndarray of shape (n_features,)
        The features of the image.
    scores : sequence of LinearScore
        Linear in x.

    Returns
    -------
    list of Spread
        One for each score.
    """
    columns = columns_by_flow(flow)
    weights = np.array([score.weights for score in scores])
    parts = [weights[:, place] for place in columns.values()]
    with one_blas_thread():
        located = locate(flow.members(), image, parts, threads_per_task(flow.n_jobs, 1))
    shares = [own @ x[place].astype(np.float64) for own, place in zip(parts, columns.values())]
    grid = choose_grid(image.size)
    maps = {name: lay(placed, grid) for name, placed in zip(columns, located) if placed is not None}
    spreads = []
    for i, score in enumerate(scores):
        by_flow = {name: float(share[i]) for name, share in zip(columns, shares)}
        rest = {name: share - float(maps[name][i].sum()) if name in maps else share for name, share in by_flow.items()}
        least = _ROUNDING * (1 + abs(score.at(x)))
        unlocated = {name: value for name, value in rest.items() if name not in maps or abs(value) > least}
        own_map = np.sum([each[i] for each in maps.values()], axis=0) if maps else None
        spreads.append(Spread(own_map, unlocated, by_flow))
    return spreads
