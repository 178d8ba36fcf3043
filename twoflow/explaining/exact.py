"""Exact reasons: a score that is linear in features, spread over the image by the flows themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..flows.placing import Placed
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
    grid = choose_grid(image.size)
    members = list(zip(columns_by_flow(flow).items(), flow.members(), strict=True))
    return [_spread_one(members, image, x.astype(np.float64), score, grid) for score in scores]


def _spread_one(
    members: list[tuple[tuple[str, slice], Any]], image: LoadedImage, x: np.ndarray, score: LinearScore,
    grid: tuple[int, int],
) -> Spread:
    shares, unlocated, maps = {}, {}, []
    for (name, columns), member in members:
        weights = score.weights[columns]
        shares[name] = float(weights @ x[columns])
        rest = shares[name]
        placed: Sequence[Placed] | None = member.locate(image, weights)
        if placed is not None:
            maps.append(lay(placed, grid))
            rest -= float(maps[-1].sum())
            if abs(rest) <= _ROUNDING * (1 + abs(score.at(x))):
                continue
        unlocated[name] = rest
    return Spread(np.sum(maps, axis=0) if maps else None, unlocated, shares)
