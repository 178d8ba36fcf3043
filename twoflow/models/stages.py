"""Choose the maps of a network whose covariances distinguish products, from what its card says.

Depth decides, not the name of the network: what lies at 0.6 to 0.85 of the way from the input is best in a
convolutional network (EfficientNet-Lite) and in a transformer (ViT-S). The last stages know the classes that the
network was trained on, the first only edges. `experiments/any-network` has the figures.
"""

from __future__ import annotations

import math

from ..networks import Layer, NetworkCard

#: The depths of the maps that distinguish products best, as shares of the way from the input to the last stage.
_LATE = (0.6, 0.75, 0.85)
#: To how many channels a map is projected at most. Of a ViT's 384, 256 are as good as all, and 128 cost two to four
#: points. A covariance of c channels has c (c + 1) / 2 features: three of 4,000 images take 1.6 GB with 256 channels.
_MOST_CHANNELS = 256


def late_stages(card: NetworkCard) -> list[str]:
    """Choose the stages that distinguish products best: those nearest to three depths.

    Parameters
    ----------
    card : NetworkCard
        Its stages count from the input to the output. If it names none, the last map of each size is a stage.

    Returns
    -------
    list of str
        One to three layers that are maps of more than one position, from input to output. Empty if there are no maps.
    """
    stages = _find_stages(card)
    chosen = {max(1, math.floor(depth * len(stages) + 0.5)) for depth in _LATE}
    return [name for number, name in enumerate(stages, 1) if number in chosen]


def early_stages(card: NetworkCard) -> list[str]:
    """Choose the stage before the late stages, which is more sensitive to color; none if there is none before."""
    late = late_stages(card)
    stages = _find_stages(card)
    return stages[:stages.index(late[0])][-1:] if late else []


def cap_channels(layer: Layer) -> int | None:
    """Return to how many channels a map is projected; None for a map that is narrow enough."""
    return _MOST_CHANNELS if layer.width > _MOST_CHANNELS else None


def _find_stages(card: NetworkCard) -> list[str]:
    names = card.stages or {layer.positions: name for name, layer in card.layers.items() if layer.is_map}.values()
    return [name for name in names if _has_positions(card.layers[name])]


def _has_positions(layer: Layer) -> bool:
    return layer.positions is None or math.prod(layer.positions) > 1
