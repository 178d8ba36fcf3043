"""Choose the maps of a network whose covariances distinguish products, from what its card says."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..networks import Layer, NetworkCard

#: Depths, as shares of the way from the input to the output. `LATE` are those that distinguish products best. `EARLY`
#: is more sensitive to color.
LATE, EARLY = (4 / 7, 5 / 7, 6 / 7), (3 / 7,)

#: To how many channels a map is projected at most. A covariance has as many features as half of their square.
MOST_CHANNELS = 256


def choose_stages(card: NetworkCard, depths: Sequence[float] = LATE) -> list[str]:
    """Choose the stages of a network that are nearest to some depths.

    Parameters
    ----------
    card : NetworkCard
    depths : sequence of float
        Shares of the way from the input, 0, to the last stage, 1. By default `LATE`.

    Returns
    -------
    list of str
        Layers that are maps of more than one position, from input to output, each once. Empty if there is none.
    """
    stages = [name for name in card.stages or _last_of_each_size(card) if _has_positions(card.layers[name])]
    chosen = {max(1, math.floor(depth * len(stages) + 0.5)) for depth in depths}
    return [name for number, name in enumerate(stages, 1) if number in chosen]


def cap_channels(layer: Layer) -> int | None:
    """Return to how many channels a map is projected; None for a map that is narrow enough."""
    return MOST_CHANNELS if layer.width > MOST_CHANNELS else None


def _last_of_each_size(card: NetworkCard) -> list[str]:
    """Find the last map of each size, for a card that names no stages."""
    return list({layer.positions: name for name, layer in card.layers.items() if layer.is_map}.values())


def _has_positions(layer: Layer) -> bool:
    return layer.positions is None or math.prod(layer.positions) > 1
