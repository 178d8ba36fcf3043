"""Make the models of recipes by name: named flows, and a head that decides on their features."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..flows import CNNEmbedding, ColorHistogram, Flow, PixelProjection
from ..heads.class_balance import ClassWeight
from ..heads.dual_ridge import fits_from_kernel
from ..heads.table import Head, get_head
from ..networks import NetworkLike, NetworksLike, find_weights, get_card, list_networks, name_networks
from ..store import StoreLike
from .best_of import BestOf
from .flow_classifier import FlowClassifier, FlowStep
from .stages import cap_channels, early_stages, late_stages

#: Networks that take images of any size are shown as many pixels as a square of this side has, in the image's own
#: proportions. A network sees small details better in an image that is larger than its training images. It takes about
#: twice the time. Proportions that are kept gain 1.0 points on the training images of the sneakers, and 1.2 on those of
#: clothing; see experiments/beyond.
_SIDE = 320

#: How much less the positions of late stages count that lie far from the middle of the image. On training images, with
#: Lite0 and its mirror image, it gains 1.7 points on the sneakers and 1.0 on clothing, which customers photographed. It
#: costs 0.1 on products that fill the image; see experiments/beyond.
_CENTER_PRIOR = 0.3

#: The name of the model in a `BestOf` that weighs its flows.
_WEIGHED = "weighed"

#: Networks by what the names of their flows begin with: nothing if there is one.
Networks = Mapping[str, NetworkLike]


class Recipe(NamedTuple):
    """Named flows, the key of the head that decides on their features, and how much each flow counts; see `BestOf`."""

    flows: Sequence[tuple[str, Flow]]
    head: str
    weights: str = "equal"


def make_model(
    recipe: str | Sequence[tuple] = "paper",
    head: Any = None,
    *,
    network: NetworksLike = "efficientnet-lite0",
    class_weight: ClassWeight = None,
    max_per_class: int | None = None,
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
          projections of the pixels, and another selects 400 features of the embedding of each pretrained network. A
          Random Forest of 200 trees decides on all.
        - "fast" makes one pass over each network, and takes the covariances of the channels of its late stages, for
          which the middle of the image counts most. Kernel ridge decides on them. Of a network without maps it takes
          the embedding. With several networks, how much each flow counts is found on the training images, as in "best".
        - "best" adds to "fast" the mirror image, more stages and color. To a single network it adds a second and a
          third if they are installed (the extra ``twoflow[networks]``). How much each flow counts is found on the
          training images, so that a flow that does not help costs nothing. Only kernel ridge has these weights: another
          head gets the flows as they are.
    head : str or classifier, optional
        Decides on the features: a key of `HEADS`, or any classifier of features, for which nothing is selected.
        Default: the recipe's own head; for your own flows "forest".
    network : str, path, CarriedNetwork or list of these, default="efficientnet-lite0"
        The network of the recipe's flows, or several networks; see `CNNEmbedding`. With several, the flows of each are
        named after it. It has no effect on your own flows.
    class_weight : {"balanced"}, dict of class to float, or None, default=None
        How much an image of each class counts when the head learns. "balanced" weighs each class by the inverse of its
        frequency, as `sklearn.utils.class_weight.compute_class_weight` does, so that rare classes count as much as
        frequent ones. Classes that a dict does not name count 1. Of several targets a dict has the classes of all. The
        probabilities are then those for classes that are equally frequent. By default all images count the same.
    max_per_class : int, optional
        The head learns from at most so many images of each class, drawn at random; see `CappedClassifier`. Selectors
        and flows use all images. By default there is no limit.
    random_state, n_jobs, verbose, store
        See `FlowClassifier`.

    Returns
    -------
    FlowClassifier or BestOf
        `BestOf`, with the one model "weighed", for "best", and for "fast" with several networks, if the head can be
        fitted from the kernel alone.

    Raises
    ------
    ValueError
        If there is no such recipe, head or network, a network is given twice, a network has neither a map nor an
        embedding, or the head takes no class weights. The message then names those that do.

    Examples
    --------
    >>> from twoflow import CNNEmbedding, make_model
    >>> [name for name, _, _ in make_model("fast").flows]
    ['stage4', 'stage5', 'stage6']
    >>> make_model([("cnn", CNNEmbedding())], "logistic").get_params()["cnn__network"]
    'efficientnet-lite0'
    """
    running: dict[str, Any] = {"random_state": random_state, "n_jobs": n_jobs, "verbose": verbose, "store": store}
    flows, own, weights = _find_recipe(recipe, network)
    steps, classifier = _with_head(flows, own if head is None else head, class_weight, max_per_class)
    if weights == "equal" or not fits_from_kernel(classifier):
        return FlowClassifier(steps, classifier, **running)
    return BestOf([(_WEIGHED, FlowClassifier(steps, classifier))], weights=weights, **running)


def _with_head(
    flows: Sequence[tuple], head: Any, class_weight: ClassWeight, max_per_class: int | None
) -> tuple[list[FlowStep], Any]:
    """Give a selector to each flow that has none, and make the head."""
    if isinstance(head, str):
        name, plain = head, get_head(head)
    else:
        name, plain = type(head).__name__, Head(lambda flow: "passthrough", lambda: head)
    named = plain.balanced(name, class_weight, max_per_class)
    if named is not plain and named.selectors_classify and any(len(step) == 3 for step in flows):
        raise InputError(
            f"class_weight, max_per_class: expected flows without selectors, because those of {name} learn the "
            "classes; leave your own selectors out, or balance what is in them"
        )
    return [step if len(step) == 3 else (*step, named.selector(step[1])) for step in flows], named.classifier()


def _find_recipe(recipe: str | Sequence[tuple], network: NetworksLike) -> Recipe:
    if not isinstance(recipe, str):
        if not all(isinstance(step, (tuple, list)) and len(step) in (2, 3) for step in recipe):
            raise InputError(f"recipe: expected a list of (name, flow) or (name, flow, selector), got {recipe!r}")
        return Recipe(recipe, "forest")
    networks = list_networks(network)
    for each in networks:
        get_card(each)  # a wrong name must be an error now, not later when images are read
    if recipe not in RECIPES:
        near = difflib.get_close_matches(recipe, RECIPES, n=1, cutoff=0.4) or list(RECIPES)
        raise InputError(f"there is no recipe {recipe!r}; did you mean {' or '.join(map(repr, near))}?")
    prefixes = [""] if len(networks) == 1 else [f"{name}_" for name in name_networks(networks)]
    return RECIPES[recipe](dict(zip(prefixes, networks)))


def _paper(networks: Networks) -> Recipe:
    embeddings = [(f"{prefix}cnn", CNNEmbedding(network)) for prefix, network in networks.items()]
    return Recipe([("projection", PixelProjection(n_components=128)), *embeddings], "forest")


def _fast(networks: Networks) -> Recipe:
    flows = [flow for prefix, network in networks.items() for flow in _late(network, "whole", prefix)]
    # One network's flows are about equally good. A weak network beside a good one must not count as much.
    return Recipe(flows, "kernel-ridge", "equal" if len(networks) == 1 else "leave-out")


def _best(networks: Networks) -> Recipe:
    """Return the flows of all networks, and color. The weights decide which of them count.

    A choice among fewer networks, with or without color, was not better: on training images of the sneakers (Lite0 and
    color) one weighed model was right in 0.814, the best of such a choice in 0.804; see experiments/beyond.

    The bins of a* and b* are five units wide, because wider ones mix navy with black, and pale blue with white; see
    experiments/type_and_color.
    """
    if len(networks) == 1:
        networks = {**networks, **{f"{name}_": name for name in _partners(*networks.values())[:_MOST_PARTNERS]}}
    (first_prefix, first), *_ = networks.items()
    flows = [
        *(flow for prefix, network in networks.items() for flow in _late(network, "mirror", prefix)),
        *_early(first, "mirror", first_prefix),
        ("lab", ColorHistogram("lab", (8, 44, 44))),
        ("lab_grid", ColorHistogram("lab", (4, 8, 8), (3, 3))),
        ("hsv_grid", ColorHistogram("hsv", (12, 3, 3), (3, 3))),
    ]
    return Recipe(flows, "kernel-ridge", weights="leave-out")


def _late(network: NetworkLike, views: str, prefix: str = "") -> list[tuple[str, Flow]]:
    """Make the flows of the late stages; of a network without maps, the flow of its embedding."""
    flows = _covariances(network, views, prefix, late_stages(get_card(network)), _CENTER_PRIOR)
    return flows or [(f"{prefix}embedding", CNNEmbedding(network, views=views))]


def _early(network: NetworkLike, views: str, prefix: str = "") -> list[tuple[str, Flow]]:
    """Make the flow of the stage before the late ones, if there is one."""
    return _covariances(network, views, prefix, early_stages(get_card(network)))


def _covariances(
    network: NetworkLike, views: str, prefix: str, stages: Sequence[str], center_prior: float | None = None
) -> list[tuple[str, Flow]]:
    """Make the flows of the channel covariances of some stages, computed in one pass over the network."""
    card = get_card(network)
    entrance = {"input_size": (_SIDE, _SIDE), "fit": "area"} if card.any_size else None
    return [
        (f"{prefix}{stage.replace('__', '_')}", CNNEmbedding(
            network, stage, pooling="covariance", n_channels=cap_channels(card.layers[stage]), views=views,
            center_prior=center_prior, preprocessing=entrance,
        ))
        for stage in stages
    ]


def _partners(network: NetworkLike) -> list[str]:
    """Find the installed networks that can be added to a network, the most useful first."""
    return [name for name in _PARTNERS if name != network and find_weights(name) is not None]


#: The networks that "best" adds to a single one, the most useful first, and how many of them.
_MOST_PARTNERS = 2
_PARTNERS = ("efficientnet-lite2", "efficientnet-lite1", "efficientnet-lite0")

#: Name -> function from networks to the recipe.
RECIPES: dict[str, Callable[[Networks], Recipe]] = {"paper": _paper, "fast": _fast, "best": _best}
