"""Make the methods of a comparison by name: those of the paper's Table 1, recipes, and networks with a head."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Any

from .._text import listed
from ..errors import InputError
from ..flows import (
    CNNEmbedding,
    ColorHistogram,
    Flow,
    FlowUnion,
    GISTDescriptor,
    LBPHistogram,
    PixelProjection,
    RawPixels,
    SIFTBagOfWords,
)
from ..heads import HierarchicalClassifier, MultiTargetClassifier, ObjectHierarchyFeatures
from ..heads.hierarchy.strategies import STRATEGIES as _OF_LEVELS
from ..heads.multi_target.strategies import STRATEGIES as _OF_TARGETS
from ..heads.table import HEADS
from ..models import RECIPES, make_model
from ..networks import NETWORKS, NetworkLike, NetworksLike, get_card, list_networks, name_networks
from ..networks.catalog import find_layer
from .method_settings import Settings
from .trained_networks import EXTRA_METHODS, EXTRA_METHODS_IN_ALL, find_left_out, is_fine_tuned, make_trained


def _low_level(settings: Settings) -> list[tuple[str, Flow]]:
    """Make the flows that the paper calls "color histogram, SIFT histogram, GIST, LBP"."""
    return [
        ("color", ColorHistogram()),
        ("sift", SIFTBagOfWords(random_state=settings.seed)),
        ("gist", GISTDescriptor()),
        ("lbp", LBPHistogram()),
    ]


def _cnn(settings: Settings) -> list[tuple[str, Flow]]:
    """Make the flow of the network's embedding; of several networks, a flow for each."""
    first, *others = list_networks(settings.network)
    if not others:
        return [("cnn", CNNEmbedding(first))]
    return [(f"cnn_{name}", CNNEmbedding(network)) for name, network in _by_name(settings.network).items()]


def _by_name(network: NetworksLike) -> dict[str, NetworkLike]:
    """Return the networks by their short names in names of methods. No short name is the name of another method."""
    networks = list_networks(network)
    return dict(zip(name_networks(networks, _TAKEN), networks))


def _pixels(settings: Settings) -> list[tuple[str, Flow]]:
    return [("pixels", RawPixels(settings.size))]


#: The methods in which a forest decides on all features of some flows, without selection: name -> the flows.
_FLOWS: dict[str, Callable[[Settings], list[tuple[str, Flow]]]] = {
    "projection": lambda settings: [("projection", PixelProjection(random_state=settings.seed))],
    "pixels": _pixels,
    "pixels+cnn": lambda settings: [*_pixels(settings), *_cnn(settings)],
    "low-level": _low_level,
    "low-level+cnn": lambda settings: [*_low_level(settings), *_cnn(settings)],
}

#: The recipes by their names as methods: the paper calls its model Two-Flow.
_RECIPE_NAMES = {"two-flow": "paper", **{name: name for name in RECIPES}}

#: The names of all methods that need no extra, the most interesting first. `NAME_FORMS` are further names.
METHODS = ("two-flow", "cnn", *_FLOWS, "mid-level")

#: The methods that are compared by default. Together they take less than a minute on a few hundred images.
DEFAULT_METHODS = ("two-flow", "cnn", "fast")

#: The recipes, which are methods too. "all" does not include them.
RECIPE_METHODS = tuple(RECIPES)

#: The names that no network has.
_TAKEN = frozenset([*METHODS, *EXTRA_METHODS, *RECIPE_METHODS])

#: The forms of further names, and what each means. NETWORK is "cnn", a name in `NETWORKS`, or the short name of a
#: network that was given; see `name_networks`. With several networks, "cnn" is the embeddings of all, side by side.
NAME_FORMS = {
    "RECIPE:HEAD": "a recipe with another head",
    "NETWORK": "a Random Forest on all features of the network's embedding",
    "NETWORK:LAYER": "the same on another layer of the network",
    "NETWORK:HEAD": "a head on the embedding; cnn:logistic is logistic regression on embeddings",
    "NETWORK:LAYER:HEAD": "a head on another layer",
    "pixels:WIDTHxHEIGHT": "pixels at a size of your choice, in place of the one that memory and images allow",
    "fine-tuned:BACKBONE": "another network to fine-tune, such as fine-tuned:resnet-18; also fine-tuned:BACKBONE+best",
    "METHOD:STRATEGY": "a method in a hierarchy of classes, on images with levels. STRATEGY is leaves (one classifier "
                       "of the finest classes, whose probabilities are summed upward), parents (a classifier for each "
                       "class that has finer ones) or levels (a classifier for each level)",
    "METHOD:STRATEGY:confidence": "the same, with broader answers, or unknown, where the classes are not sure",
    "METHOD:TARGETS": "a method on images with several targets. TARGETS is separate (a classifier for each target; "
                      "this is the default), shared (one with several outputs), joint (one of the combinations of "
                      "labels) or chain (one for each, which also sees the probabilities of the targets before it)",
}


def _of_levels(model: Any, strategy: str, fallback: str | None, seed: int) -> HierarchicalClassifier:
    return HierarchicalClassifier(model, strategy=strategy, fallback=fallback, random_state=seed)


def _of_targets(model: Any, strategy: str, fallback: str | None, seed: int) -> MultiTargetClassifier:
    return MultiTargetClassifier(model, strategy, random_state=seed)


#: What makes the model of a strategy, by the strategy's name at the end of a method's name.
_STRATEGIES: dict[str, Callable[[Any, str, str | None, int], Any]] = {
    **dict.fromkeys(_OF_LEVELS, _of_levels), **dict.fromkeys(_OF_TARGETS, _of_targets),
}

_WITH_STRATEGY = re.compile(rf"(.+):({'|'.join(_STRATEGIES)})(:confidence)?")

_SIZED = re.compile(r"(pixels):([0-9]{1,5})x([0-9]{1,5})((?:\+cnn)?)")


def list_all(network: NetworksLike) -> list[str]:
    """List the methods that the name "all" selects.

    These are `METHODS`, those of `EXTRA_METHODS_IN_ALL` if the extra is installed, and ``cnn:LAYER`` for every stage of
    the network. Of several networks, it is each network's embedding and ``NETWORK:LAYER`` for every stage.
    """
    extra = [name for name in EXTRA_METHODS_IN_ALL if name not in find_left_out()]
    networks = _by_name(network)
    alone = len(networks) == 1
    names = {"cnn" if alone else name: each for name, each in networks.items()}
    stages = [f"{name}:{layer}" for name, each in names.items() for layer in get_card(each).stages]
    return [*METHODS, *extra, *([] if alone else names), *stages]


def needs_size(name: str) -> bool:
    """Return whether a method takes raw pixels, but does not say at which size."""
    return split_strategy(name)[0] in ("pixels", "pixels+cnn")


def add_size(name: str, size: tuple[int, int]) -> str:
    """Write the size into a name that needs one; return other names as they are."""
    return name.replace("pixels", "pixels:{}x{}".format(*size), 1) if needs_size(name) else name


def read_size(name: str) -> tuple[int, int] | None:
    """Read the size from the name of a method of raw pixels; None for any other name."""
    found = _SIZED.fullmatch(split_strategy(name)[0])
    return None if found is None else (int(found[2]), int(found[3]))


def split_strategy(name: str) -> tuple[str, str | None, str | None]:
    """Split a name into a method, a strategy and a fallback; each of the last two is None if not named.

    Examples
    --------
    >>> split_strategy("fast:stack:leaves:confidence"), split_strategy("fast:joint"), split_strategy("fast:stack")
    (('fast:stack', 'leaves', 'confidence'), ('fast', 'joint', None), ('fast:stack', None, None))
    """
    found = _WITH_STRATEGY.fullmatch(name)
    return (name, None, None) if found is None else (found[1], found[2], "confidence" if found[3] else None)


def fine_tunes(name: str) -> bool:
    """Return whether the method of a name fine-tunes a network.

    Examples
    --------
    >>> fine_tunes("fine-tuned:resnet-18+best"), fine_tunes("fine-tuned:levels"), fine_tunes("best")
    (True, True, False)
    """
    return is_fine_tuned(split_strategy(name)[0])


def check_strategy(name: str, n_targets: int, are_levels: bool) -> None:
    """Raise ValueError if a method's strategy does not suit the targets of the images.

    Parameters
    ----------
    name : str
        The name of a method.
    n_targets : int
    are_levels : bool
        Whether the targets are levels of a hierarchy.
    """
    method, strategy, _ = split_strategy(name)
    if strategy in _OF_TARGETS and n_targets == 1:
        raise InputError(
            f"the method {name!r} learns several targets, but the images have one; use {method}, or give several "
            "columns of labels"
        )
    if strategy in _OF_TARGETS and are_levels:
        raise InputError(
            f"the method {name!r} learns several targets, but the targets of these images are levels; use "
            f"{listed([f'{method}:{each}' for each in _OF_LEVELS], ' or')}"
        )
    if strategy in _OF_LEVELS and n_targets > 1 and not are_levels:
        raise InputError(
            f"the method {name!r} learns levels of a hierarchy, but the targets of these images are no levels; use "
            f"{listed([f'{method}:{each}' for each in _OF_TARGETS], ' or')}, or say that they are levels"
        )


def make_method(name: str, settings: Settings) -> Any:
    """Make the model of a name.

    Raises
    ------
    ValueError
        If there is no such method, layer or head. The message gives similar names.
    ModuleNotFoundError
        If the extra of the method is not installed. The message says how to install it.
    """
    method, strategy, fallback = split_strategy(name)
    if strategy is not None:
        if strategy in _OF_TARGETS and fallback is not None:
            raise InputError(
                f"there is no method {name!r}: broader answers need levels; did you mean {method}:{strategy} or "
                f"{method}:leaves:{fallback}?"
            )
        return _STRATEGIES[strategy](make_method(method, settings), strategy, fallback, settings.seed)
    _check_strategy(name)
    first, colon, rest = name.partition(":")
    if first in _RECIPE_NAMES:
        return _make_recipe(_RECIPE_NAMES[first], rest if colon else None, settings)
    given = _by_name(settings.network)
    if first == "cnn" and len(given) > 1:
        return _make_on_networks(name, rest if colon else None, settings)
    network = next(iter(given.values())) if first == "cnn" else first if first in NETWORKS else given.get(first)
    if network is not None:
        layer, head = _read_layer_and_head(name, rest, network) if colon else (None, None)
        find_layer(network, layer)  # a network without an embedding must be an error now, not when images are read
        return _make_on_flows([("cnn", CNNEmbedding(network, layer))], head, settings)
    if sized := _SIZED.fullmatch(name):
        flows = _FLOWS[sized[1] + sized[4]](settings._replace(size=(int(sized[2]), int(sized[3]))))
        return _make_on_flows(flows, None, settings)
    if name in _FLOWS:
        return _make_on_flows(_FLOWS[name](settings), None, settings)
    if name == "mid-level":
        union, select = FlowUnion(_low_level(settings)), ObjectHierarchyFeatures(settings.superclasses)
        return _make([("low-level", union, select)], None, settings)
    trained = make_trained(name, settings)
    if trained is not None:
        return trained
    known = [*METHODS, *EXTRA_METHODS, *RECIPE_METHODS, *dict.fromkeys([*NETWORKS, *given])]
    near = _near(name, [*known, *NAME_FORMS]) or _near(first, known) or [*METHODS, *RECIPE_METHODS, *NAME_FORMS]
    raise InputError(f"there is no method {name!r}; did you mean {' or '.join(near)}?")


def _check_strategy(name: str) -> None:
    """Refuse a misspelled strategy, and a misspelled fallback after a strategy."""
    method, _, last = name.rpartition(":")
    before = method.rpartition(":")[2]
    if before in _OF_TARGETS:
        raise InputError(f"there is no method {name!r}; did you mean {method}?")
    if before in _OF_LEVELS:
        raise InputError(f"there is no method {name!r}; did you mean {method} or {method}:confidence?")
    near = difflib.get_close_matches(last, _STRATEGIES, n=2, cutoff=0.75)
    if method and near:
        meant = " or ".join(f"{method}:{each}" for each in near)
        raise InputError(f"there is no method {name!r}; did you mean {meant}?")


def _near(name: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, list(known), n=3, cutoff=0.4)


def _make_recipe(recipe: str, head: str | None, settings: Settings) -> Any:
    model = _make(recipe, head, settings)
    # All methods with a projection have the same one.
    return model.set_params(projection__random_state=settings.seed) if "projection" in model.get_params() else model


def _make_on_networks(name: str, head: str | None, settings: Settings) -> Any:
    """Make the method "cnn" of several networks: their embeddings side by side, with a head or without."""
    networks = _by_name(settings.network)
    if head is not None and head not in HEADS:
        near = _near(head, HEADS) or HEADS
        first = next(iter(networks))
        raise InputError(
            f"the method {name!r}: expected a head, because there are {len(networks)} networks, got {head!r}; did you "
            f"mean {' or '.join(near)}? A layer needs the name of its network, such as {first}:{head or 'LAYER'}; the "
            f"networks are {', '.join(networks)}"
        )
    for network in networks.values():
        find_layer(network, None)
    return _make_on_flows(_cnn(settings), head, settings)


def _make_on_flows(flows: list[tuple[str, Flow]], head: str | None, settings: Settings) -> Any:
    """Make a model with a head and the selectors that suit it; without a head, a forest that takes all features."""
    if head is None:
        return _make([(name, flow, "passthrough") for name, flow in flows], None, settings)
    return _make(flows, head, settings)


def _make(recipe: str | list[tuple], head: str | None, settings: Settings) -> Any:
    """Make the model of a recipe, or of flows, with the settings that all methods share."""
    return make_model(
        recipe, head, network=settings.network, class_weight=settings.class_weight,
        max_per_class=settings.max_per_class, random_state=settings.seed,
    )


def _read_layer_and_head(name: str, rest: str, network: NetworkLike) -> tuple[str | None, str | None]:
    """Read what follows NETWORK: in a name, which may be LAYER, HEAD or LAYER:HEAD. A layer may contain a colon."""
    layers = get_card(network).layers
    layer, _, head = rest.rpartition(":")
    readings: dict[tuple[str | None, str | None], bool] = {
        (rest, None): rest in layers,
        (None, rest): rest in HEADS,
        (layer, head): layer in layers and head in HEADS,
    }
    possible = [reading for reading, is_possible in readings.items() if is_possible]
    if len(possible) > 1:
        raise InputError(
            f"the method {name!r} has two meanings, because the network has a layer with the name of a head; "
            f"write NETWORK:LAYER:HEAD, such as {name.partition(':')[0]}:{get_card(network).embedding}:{rest}"
        )
    if possible:
        return possible[0]
    wrong, known = rest, [*HEADS, *layers]
    if layer in layers:
        wrong, known = head, list(HEADS)
    elif layer and head in HEADS:
        wrong, known = layer, list(layers)
    raise InputError(
        f"the method {name!r}: expected a layer of {network} or a head, got {wrong!r}; did you mean "
        f"{' or '.join(_near(wrong, known) or HEADS)}? twoflow networks {network} lists the layers"
    )
