"""Make the models of recipes by name. A recipe is a function that returns the candidates to choose from."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..flows import CNNEmbedding, ColorHistogram, Flow, PixelProjection
from ..heads.table import Head, get_head
from ..networks import NETWORKS, NetworkLike, get_card
from ..networks.catalog import find_weights
from ..store import StoreLike
from .best_of import BestOf
from .flow_classifier import FlowClassifier, FlowStep

#: The image size for networks that take any. A network sees small details better in an image that is larger than its
#: training images. It takes about twice the time.
_SIDE = 320

#: `_LATE` are the stages that distinguish products best: the last but one, and the two before it. The last stage has as
#: many features as these three together, and adds little. `_EARLY` is the stage before them, which is more sensitive to
#: color. A network needs at least `_LEAST_STAGES`.
_LATE, _EARLY, _LEAST_STAGES = slice(-4, -1), slice(-5, -4), 5


class Recipe(NamedTuple):
    """Named flows, and the key of the head that decides on their features."""

    flows: Sequence[tuple[str, Flow]]
    head: str


def make_model(
    recipe: str | Sequence[tuple] = "paper",
    head: Any = None,
    *,
    network: NetworkLike = "efficientnet-lite0",
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    verbose: bool = False,
    store: StoreLike = None,
) -> FlowClassifier | BestOf:
    """Make the unfitted model of a recipe, or of your own flows.

    Parameters
    ----------
    recipe : {"paper", "fast", "best"} or list of (str, Flow) or (str, Flow, selector), default="paper"
        The name of a recipe, or your own flows by name. A flow without a selector gets the one that suits the head.

        - "paper" is the model of Iliukovich-Strakovskaia, Dral & Dral (2016). A Random Forest selects 55 of 128 random
          projections of the pixels, and another selects 400 features of the global pool of a pretrained network. A
          Random Forest of 200 trees decides on both.
        - "fast" makes one pass over one network, and takes the covariances of the channels of its late stages. Kernel
          ridge decides on them.
        - "best" adds to "fast" the mirror image, more stages, color, and a second and third network if they are
          installed (the extra ``twoflow[networks]``). It chooses among such models on the training images.
    head : str or classifier, optional
        Decides on the features: a key of `HEADS`, or any classifier of features, for which nothing is selected.
        Default: the recipe's own head; for your own flows "forest".
    network : str, path or CarriedNetwork, default="efficientnet-lite0"
        The network of the recipe's flows; see `CNNEmbedding`. It has no effect on your own flows.
    random_state, n_jobs, verbose, store
        See `FlowClassifier`.

    Returns
    -------
    FlowClassifier or BestOf
        `BestOf` for a recipe with several candidates.

    Raises
    ------
    ValueError
        If there is no such recipe, head or network, or the card of the network names too few stages for the recipe.

    Examples
    --------
    >>> from twoflow import CNNEmbedding, make_model
    >>> [name for name, _, _ in make_model("fast").flows]
    ['stage4', 'stage5', 'stage6']
    >>> make_model([("cnn", CNNEmbedding())], "logistic").get_params()["cnn__network"]
    'efficientnet-lite0'
    """
    running: dict[str, Any] = {"random_state": random_state, "n_jobs": n_jobs, "verbose": verbose, "store": store}
    found = _candidates(recipe, network)
    parts = {name: _with_head(flows, own if head is None else head) for name, (flows, own) in found.items()}
    if len(parts) == 1:
        (steps, classifier), = parts.values()
        return FlowClassifier(steps, classifier, **running)
    return BestOf([(name, FlowClassifier(steps, classifier)) for name, (steps, classifier) in parts.items()], **running)


def _with_head(flows: Sequence[tuple], head: Any) -> tuple[list[FlowStep], Any]:
    """Give a selector to each flow that has none, and make the head."""
    named = get_head(head) if isinstance(head, str) else Head(lambda flow: "passthrough", lambda: head)
    return [step if len(step) == 3 else (*step, named.selector(step[1])) for step in flows], named.classifier()


def _candidates(recipe: str | Sequence[tuple], network: NetworkLike) -> dict[str, Recipe]:
    if not isinstance(recipe, str):
        if not all(isinstance(step, (tuple, list)) and len(step) in (2, 3) for step in recipe):
            raise InputError(f"recipe: expected a list of (name, flow) or (name, flow, selector), got {recipe!r}")
        return {"own": Recipe(recipe, "forest")}
    get_card(network)  # a wrong name must be an error now, not later when images are read
    if recipe not in RECIPES:
        near = difflib.get_close_matches(recipe, RECIPES, n=1, cutoff=0.4) or list(RECIPES)
        raise InputError(f"there is no recipe {recipe!r}; did you mean {' or '.join(map(repr, near))}?")
    return RECIPES[recipe](network)


def _paper(network: NetworkLike) -> dict[str, Recipe]:
    flows = [("projection", PixelProjection(n_components=128)), ("cnn", CNNEmbedding(network))]
    return {"paper": Recipe(flows, "forest")}


def _fast(network: NetworkLike) -> dict[str, Recipe]:
    return {"fast": Recipe(_covariances(network, "whole"), "kernel-ridge")}


def _best(network: NetworkLike) -> dict[str, Recipe]:
    """Return candidates with one, two or three networks, each with and without color."""
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
    network: NetworkLike, views: str, which: slice = _LATE, prefix: str = ""
) -> list[tuple[str, Flow]]:
    """Make the flows of the channel covariances of some stages, computed in one pass over the network."""
    stages = get_card(network).stages
    if len(stages) < _LEAST_STAGES:
        raise InputError(
            f"expected a network whose card names at least {_LEAST_STAGES} stages, got {network} with {len(stages)}; "
            "use another network or recipe"
        )
    size = {"input_size": (_SIDE, _SIDE)} if network in _RESIZABLE else None
    return [
        (f"{prefix}{stage}", CNNEmbedding(network, stage, pooling="covariance", views=views, preprocessing=size))
        for stage in stages[which]
    ]


def _partners(network: NetworkLike) -> list[str]:
    """Find the installed networks that can be added to a network, the most useful first."""
    return [name for name in _PARTNERS if name != network and find_weights(name) is not None]


_RESIZABLE = tuple(name for name in NETWORKS if name.startswith("efficientnet-lite"))
_PARTNERS = ("efficientnet-lite2", "efficientnet-lite1", "efficientnet-lite0")

#: Name -> function from a network to the candidates. With several, one is chosen on the training images.
RECIPES: dict[str, Callable[[NetworkLike], dict[str, Recipe]]] = {"paper": _paper, "fast": _fast, "best": _best}
