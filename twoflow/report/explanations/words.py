"""Sentences about an explanation, which say the same as its map, its bars and its nearest images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..._text import listed
from .overlay import AGAINST_WORD, FOR_WORD, strongest

if TYPE_CHECKING:
    from ...explaining import Reason

_THIRDS = (("upper left", "top", "upper right"), ("left", "middle", "right"), ("lower left", "bottom", "lower right"))


def legend(reason: Reason) -> str:
    """Say what the colors of a map mean; for a reason without a map, why there is none."""
    if reason.map is None:
        return "The flows of this model do not know the places of their features, so there is no map."
    if not strongest(reason.map):
        return f"No place of the photo spoke for {reason.label} or against it."
    colors = f"{FOR_WORD.capitalize()} places spoke for {reason.label}, {AGAINST_WORD} places spoke against it"
    how = {"occlusion": ": the color says how the score falls or rises if the place is covered"}
    return f"{colors}{how.get(reason.method, '')}."


def where(reason: Reason) -> str:
    """Say in which ninth of the photo most of what spoke for the class lies; "" if nothing could be located."""
    if reason.map is None or not (reason.map > 0).any():
        return ""
    shares = _ninths(np.maximum(reason.map, 0.0))
    row, column = np.unravel_index(int(shares.argmax()), shares.shape)
    place = _THIRDS[int(row)][int(column)]
    return f"{shares.max() / shares.sum():.0%} of what spoke for {reason.label} lies at the {place} of the photo."


def amounts(reason: Reason) -> str:
    """Say what the score is the sum of; if places were covered, what it is without any."""
    if reason.method == "occlusion":
        return f"The score is {reason.score:.3f}; if the whole photo is covered, it is {reason.constant:.3f}."
    parts = [] if reason.map is None else [f"{reason.map.sum():+.3f} from places"]
    without_place = f"{sum(reason.unlocated.values()):+z.3f}"
    if without_place != "+0.000":
        parts.append(f"{without_place} without a place")
    parts.append(f"{reason.constant:+.3f} that is the same for every photo")
    return f"The score {reason.score:.3f} is the sum of {listed(parts)}."


def _ninths(places: np.ndarray) -> np.ndarray:
    """Sum a map over each ninth of the photo; a place on a border counts for both sides by its area."""
    return _thirds(places.shape[0]).T @ places @ _thirds(places.shape[1])


def _thirds(n: int) -> np.ndarray:
    """Return which share of each of n places lies in each third, as an array of shape (n, 3)."""
    starts, ends = np.arange(n)[:, None] * 3 / n, (np.arange(n)[:, None] + 1) * 3 / n
    thirds = np.arange(3)[None, :]
    return np.clip(np.minimum(ends, thirds + 1) - np.maximum(starts, thirds), 0, None) * n / 3
