"""The recipes of a model by name: which flows, and which head decides on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..errors import InputError
from ..flows import CNNEmbedding, ColorHistogram, Flow, PixelProjection
from ..networks import NETWORKS, get_card
from ..networks.catalog import find_weights

#: A network sees small things better in an image that is larger than those it was trained on, for twice the time.
_SIDE = 320

#: Of the stages of a network those that tell things from each other best: the last but one, and two before it. The very
#: last has as many values as these together, and adds little. And the one before them, which knows more of color.
_LATE, _EARLY, _LEAST_STAGES = slice(-4, -1), slice(-5, -4), 5


class Recipe(NamedTuple):
    """Flows by name, each with its selector if it is not the head's own; and a head or the name of one."""

    flows: Sequence[tuple[str, Flow] | tuple[str, Flow, Any]]
    head: Any


def candidates(recipe: str, network: str | os.PathLike) -> dict[str, Recipe]:
    """What a recipe leaves to choose from, by name; the cheaper first.

    Parameters
    ----------
    recipe : str
        A key of `RECIPES`.
    network : str or path

    Raises
    ------
    ValueError
        If the recipe asks for stages and the network's card names too few.
    """
    return RECIPES[recipe](network)


def _paper(network: str | os.PathLike) -> dict[str, Recipe]:
    flows = [("projection", PixelProjection(n_components=128)), ("cnn", CNNEmbedding(network))]
    return {"paper": Recipe(flows, "forest")}


def _fast(network: str | os.PathLike) -> dict[str, Recipe]:
    return {"fast": Recipe(_covariances(network, "whole"), "kernel-ridge")}


def _best(network: str | os.PathLike) -> dict[str, Recipe]:
    """One network, two or three; with or without color, which decides where classes differ in nothing else."""
    color = [
        *_covariances(network, "mirror", _EARLY),
        ("lab", ColorHistogram("lab", (8, 8, 8))),
        ("lab_grid", ColorHistogram("lab", (4, 8, 8), (3, 3))),
        ("hsv_grid", ColorHistogram("hsv", (12, 3, 3), (3, 3))),
    ]
    stages: list[tuple[str, Flow]] = []
    found: dict[str, list[tuple[str, Flow]]] = {}
    for number, each in zip(("one network", "two networks", "three networks"), [network, *_partners(network)]):
        prefix = "" if each == network else f"{each}_"
        stages = [*stages, *_covariances(each, "mirror", prefix=prefix)]
        found |= {number: stages, f"{number} and color": [*stages, *color]}
    return {name: Recipe(flows, "kernel-ridge") for name, flows in found.items()}


def _covariances(
    network: str | os.PathLike, views: str, which: slice = _LATE, prefix: str = ""
) -> list[tuple[str, Flow]]:
    """How the channels of a network's stages vary together, all in one pass."""
    stages = get_card(network).stages
    if len(stages) < _LEAST_STAGES:
        raise InputError(
            f"this recipe needs a network whose card names {_LEAST_STAGES} stages, and that of {network} names "
            f"{len(stages)}"
        )
    size = {"input_size": (_SIDE, _SIDE)} if network in _RESIZABLE else None
    return [
        (f"{prefix}{stage}", CNNEmbedding(network, stage, pooling="covariance", views=views, preprocessing=size))
        for stage in stages[which]
    ]


def _partners(network: str | os.PathLike) -> list[str]:
    """Networks to go with it, of those that are installed; what adds most comes first."""
    return [name for name in _PARTNERS if name != network and find_weights(name) is not None]


_RESIZABLE = tuple(name for name in NETWORKS if name.startswith("efficientnet-lite"))
_PARTNERS = ("efficientnet-lite2", "efficientnet-lite1", "efficientnet-lite0")

#: Each from a network to its candidates; one that has several chooses among them on the training side.
RECIPES: dict[str, Callable[[str | os.PathLike], dict[str, Recipe]]] = {"paper": _paper, "fast": _fast, "best": _best}
