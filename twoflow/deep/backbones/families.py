"""The families of transformers whose stages are known: what their configurations say about them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple


class Family(NamedTuple):
    """A family of networks.

    Attributes
    ----------
    width : callable
        Takes the configuration; returns the width of the embedding.
    stages : callable
        Takes the configuration; returns the names of the stages, from the input to the output.
    embedding : str
        The name of the embedding as a layer.
    least_side : callable
        Takes the configuration; returns the least side of an image in pixels.
    step : callable
        Takes the configuration; returns the number of pixels that each side is a multiple of.
    """

    width: Callable[[Any], int]
    stages: Callable[[Any], tuple[str, ...]]
    embedding: str
    least_side: Callable[[Any], int] = lambda config: 32
    step: Callable[[Any], int] = lambda config: 1


def _numbered_stages(config: Any) -> tuple[str, ...]:
    return ("stem", *(f"stage{i}" for i in range(1, len(config.depths) + 1)))


def _of_efficientnet(config: Any) -> tuple[str, ...]:
    return ("stem", *(f"stage{i}" for i in range(1, len(config.num_block_repeats) + 1)), "head")


def _blocks(config: Any) -> tuple[str, ...]:
    return ("stem", *(f"block{i}" for i in range(1, config.num_hidden_layers + 1)))


def ends_of_stages(config: Any) -> list[int]:
    """Return how many blocks of an EfficientNet come up to the end of each stage."""
    repeats = [math.ceil(config.depth_coefficient * repeats) for repeats in config.num_block_repeats]
    return [sum(repeats[:i]) for i in range(1, len(repeats) + 1)]


_TRANSFORMER = Family(
    lambda config: config.hidden_size, _blocks, "class_token",
    lambda config: config.patch_size, lambda config: config.patch_size,
)
#: By transformers' name of the family.
FAMILIES = {
    "resnet": Family(lambda config: config.hidden_sizes[-1], _numbered_stages, "global_pool"),
    **dict.fromkeys(
        ("convnext", "convnextv2"), Family(lambda config: config.hidden_sizes[-1], _numbered_stages, "embedding")
    ),
    "efficientnet": Family(lambda config: config.hidden_dim, _of_efficientnet, "global_pool"),
    **dict.fromkeys(("vit", "deit", "dinov2"), _TRANSFORMER),
}
