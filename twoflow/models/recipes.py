"""The recipes by name: each is a function that gives the models to choose from, and `make_model` makes one of them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..flows import CNNEmbedding, ColorHistogram, Flow, PixelProjection
from ..flows.contract import StoreLike
from ..heads.table import Head, get_head
from ..networks import NETWORKS, get_card
from ..networks.catalog import find_weights
from .best_of import BestOf
from .flow_classifier import FlowClassifier, FlowStep

#: A network sees small things better in an image that is larger than those it was trained on, for twice the time.
_SIDE = 320

#: Of the stages of a network those that tell things from each other best: the last but one, and two before it. The very
#: last has as many values as these together, and adds little. And the one before them, which knows more of color.
_LATE, _EARLY, _LEAST_STAGES = slice(-4, -1), slice(-5, -4), 5


class Recipe(NamedTuple):
    """Flows by name, and the name of the head that decides on them."""

    flows: Sequence[tuple[str, Flow]]
    head: str


def make_model(
    recipe: str | Sequence[tuple] = "paper",
    head: Any = None,
    *,
    network: str | os.PathLike = "efficientnet-lite0",
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    verbose: bool = False,
    store: StoreLike = None,
) -> FlowClassifier | BestOf:
    """Make the unfitted model of a recipe, or of flows of your own.

    Parameters
    ----------
    recipe : {"paper", "fast", "best"} or list of (str, Flow) or (str, Flow, selector), default="paper"
        "paper" is the model of Iliukovich-Strakovskaia, Dral & Dral (2016): 128 random projections of the pixels, of
        which a Random Forest selects 55; the global pool of a pretrained network, of which it selects 400; a Random
        Forest of 200 trees on both. "fast" takes one pass over one network, how the channels of its late stages vary
        together, and kernel ridge on these. "best" does so with the mirror image, more stages, color, and a second and
        third network where they are installed (the extra ``twoflow[networks]``), and chooses among such models on the
        images that it is fitted on. Or flows by name, with the selectors of their features where they are not to be
        those that suit the head.
    head : str or classifier, optional
        What decides on the features: a key of `HEADS`, or any classifier of features, for which nothing is selected.
        Default: that of the recipe; "forest" for flows of your own.
    network : str or path, default="efficientnet-lite0"
        The network of the recipe's flows; see `CNNEmbedding`. Without effect on flows of your own.
    random_state, n_jobs, verbose, store
        See `FlowClassifier`.

    Returns
    -------
    FlowClassifier or BestOf
        `BestOf` for a recipe that leaves several models to choose from.

    Raises
    ------
    ValueError
        If there is no such recipe, head or network, or the recipe needs more stages than the network's card names.

    Examples
    --------
    >>> from twoflow import CNNEmbedding, make_model
    >>> [name for name, _, _ in make_model("fast").flows]
    ['stage4', 'stage5', 'stage6']
    >>> make_model([("cnn", CNNEmbedding())], "logistic").get_params()["cnn__layer"]
    'global_pool'
    """
    running: dict[str, Any] = {"random_state": random_state, "n_jobs": n_jobs, "verbose": verbose, "store": store}
    found = _candidates(recipe, network)
    parts = {name: _with_head(flows, own if head is None else head) for name, (flows, own) in found.items()}
    if len(parts) == 1:
        (steps, classifier), = parts.values()
        return FlowClassifier(steps, classifier, **running)
    return BestOf([(name, FlowClassifier(steps, classifier)) for name, (steps, classifier) in parts.items()], **running)


def _with_head(flows: Sequence[tuple], head: Any) -> tuple[list[FlowStep], Any]:
    """Give each flow a selector, where it has none, and make the head."""
    named = get_head(head) if isinstance(head, str) else Head(lambda flow: "passthrough", lambda: head)
    return [step if len(step) == 3 else (*step, named.selector(step[1])) for step in flows], named.classifier()


def _candidates(recipe: str | Sequence[tuple], network: str | os.PathLike) -> dict[str, Recipe]:
    if not isinstance(recipe, str):
        if not all(isinstance(step, (tuple, list)) and len(step) in (2, 3) for step in recipe):
            raise InputError(f"expected a list of (name, flow) or (name, flow, selector), got {recipe!r}")
        return {"own": Recipe(recipe, "forest")}
    get_card(network)  # a wrong name is an error now, and not when images are read
    if recipe not in RECIPES:
        near = difflib.get_close_matches(recipe, RECIPES, n=1, cutoff=0.4) or list(RECIPES)
        raise InputError(f"there is no recipe {recipe!r}; did you mean {' or '.join(map(repr, near))}?")
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
