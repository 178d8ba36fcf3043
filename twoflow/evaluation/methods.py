"""Make the methods of a comparison by name: those of the paper's Table 1, and every recipe with every head."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..deep import ConvNetClassifier
from ..deep.extra import missing_reason
from ..errors import InputError, MissingExtraError
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
from ..heads import ObjectHierarchyFeatures
from ..models import RECIPES, make_model
from ..networks import get_card
from ..networks.catalog import check_layer


class _Choice(NamedTuple):
    """The parameters that all methods share: a network, a seed, and the width and height of raw pixels."""

    network: str
    seed: int
    size: tuple[int, int]


def _low_level(choice: _Choice) -> list[tuple[str, Flow]]:
    """Make the flows that the paper calls "color histogram, SIFT histogram, GIST, LBP"."""
    return [
        ("color", ColorHistogram()),
        ("sift", SIFTBagOfWords(random_state=choice.seed)),
        ("gist", GISTDescriptor()),
        ("lbp", LBPHistogram()),
    ]


def _cnn(choice: _Choice) -> list[tuple[str, Flow]]:
    return [("cnn", CNNEmbedding(choice.network))]


def _pixels(choice: _Choice) -> list[tuple[str, Flow]]:
    return [("pixels", RawPixels(choice.size))]


#: The methods in which a forest decides on all features of some flows, without selection: name -> the flows.
_FLOWS: dict[str, Callable[[_Choice], list[tuple[str, Flow]]]] = {
    "cnn": _cnn,
    "projection": lambda choice: [("projection", PixelProjection(random_state=choice.seed))],
    "pixels": _pixels,
    "pixels+cnn": lambda choice: [*_pixels(choice), *_cnn(choice)],
    "low-level": _low_level,
    "low-level+cnn": lambda choice: [*_low_level(choice), *_cnn(choice)],
}

#: The number of the paper's images, and their width and height.
_PAPER_IMAGES, _PAPER_SIZE = 5_250, (640, 480)
#: The share of memory that one table of raw pixels may take. A method holds several tables, and so does each process.
_PIXELS_SHARE = 1 / 16
_MOST_MEMORY = 2**32  # memory beyond this is ignored, so that the methods are the same on most machines
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


class _ExtraMethod(NamedTuple):
    """A method that needs an extra: `make` makes it from a seed; `missing_reason` gives the reason if it cannot."""

    make: Callable[[int], Any]
    missing_reason: Callable[[], str | None]


_EXTRA: dict[str, _ExtraMethod] = {
    "convnet": _ExtraMethod(lambda seed: ConvNetClassifier(random_state=seed), missing_reason),
}

#: The names of all methods that need no extra, the most interesting first. In addition, there is ``cnn:LAYER`` for each
#: layer of a network, and ``pixels:WIDTHxHEIGHT`` in place of "pixels" sets the size of raw pixels.
METHODS = ("two-flow", *_FLOWS, "mid-level")

#: The methods that are compared by default. Together they take two or three minutes on a few hundred images.
DEFAULT_METHODS = METHODS[:5]

#: The recipes, which are methods too; ``RECIPE:HEAD`` is a recipe with another head. "all" does not include them.
RECIPE_METHODS = tuple(RECIPES)

#: The methods that need an extra. "all" includes those whose extra is installed.
EXTRA_METHODS = tuple(_EXTRA)


def make_methods(
    names: Iterable[str],
    network: str = "efficientnet-lite0",
    random_state: int = 0,
    superclasses: Mapping[Any, Any] | None = None,
    n_images: int = _PAPER_IMAGES,
) -> dict[str, Any]:
    """Make the models of the named methods, all with the same projection and seed.

    Parameters
    ----------
    names : iterable of str
        Names from `METHODS`, `EXTRA_METHODS` and `RECIPE_METHODS`, or ``RECIPE:HEAD``, ``cnn:LAYER``,
        ``pixels:WIDTHxHEIGHT`` or ``pixels:WIDTHxHEIGHT+cnn``. "all" alone means `METHODS`, those `EXTRA_METHODS` whose
        extra is installed, and ``cnn:LAYER`` for every stage of the network; see `left_out_methods`.
    network : str, default="efficientnet-lite0"
        The name or path of the network, for the methods that have one.
    random_state : int, default=0
        Seeds every method.
    superclasses : mapping of class to superclass, optional
        The object hierarchy of the method ``mid-level``. By default the method learns one.
    n_images : int, default=5250
        How many images will be compared on. It sets the size of "pixels". The paper's forest took pixels at 640 x 480,
        for which few machines have enough memory. "pixels" takes the largest whole fraction of that size at which a
        table of all images needs at most a sixteenth of the machine's memory, or of 4 GiB if that is less. The default
        is the number of the paper's images.

    Returns
    -------
    dict of str to classifier
        The models by name. "pixels" is renamed to ``pixels:WIDTHxHEIGHT``.

    Raises
    ------
    ValueError
        If there is no such method, layer or network. For a method, the message gives similar names.
    ModuleNotFoundError
        If the extra of a named method is not installed. The message says how to install it.
    """
    get_card(network)  # a wrong network is an error even if no method uses it
    names = list(names)
    if names == ["all"]:
        extra = [name for name in EXTRA_METHODS if name not in left_out_methods(names)]
        names = [*METHODS, *extra, *(f"cnn:{layer}" for layer in get_card(network).stages)]
    choice = _Choice(network, random_state, size=_pixels_size(n_images))
    sized = [_with_size(name, choice.size) for name in names]
    return {name: _make_method(name, choice, superclasses) for name in sized}


def left_out_methods(names: Iterable[str]) -> dict[str, str]:
    """Find the methods that "all" leaves out because their extra is not installed, each with the reason.

    Parameters
    ----------
    names : iterable of str
        See `make_methods`. Without "all", nothing is left out.

    Returns
    -------
    dict of str to str
    """
    if list(names) != ["all"]:
        return {}
    reasons = {name: method.missing_reason() for name, method in _EXTRA.items()}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _with_size(name: str, size: tuple[int, int]) -> str:
    return re.sub(r"^pixels(?=$|\+cnn$)", "pixels:{}x{}".format(*size), name)


def _pixels_size(n_images: int) -> tuple[int, int]:
    """Find the largest whole fraction of the paper's image size that memory allows."""
    width, height = _PAPER_SIZE
    n_most = _PIXELS_SHARE * _memory() / (np.dtype(np.float32).itemsize * 3 * n_images)
    common = math.gcd(width, height)
    sizes = [(width // divisor, height // divisor) for divisor in range(1, common + 1) if common % divisor == 0]
    return next((size for size in sizes if math.prod(size) <= n_most), sizes[-1])


def _memory() -> int:
    """Return the memory of the machine or its container in bytes, whichever is less, and at most `_MOST_MEMORY`."""
    found = [_MOST_MEMORY]
    with suppress(AttributeError, ValueError, OSError):  # not every system reports it
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with suppress(ValueError, OSError):  # "max" means that the container has no limit
        found.append(int(_CONTAINER_LIMIT.read_text()))
    return min(found)


def _make_method(name: str, choice: _Choice, superclasses: Mapping[Any, Any] | None) -> Any:
    recipe, *head = name.replace("two-flow", "paper").split(":", maxsplit=1)
    if recipe in RECIPES:
        return _make_recipe(recipe, head[0] if head else None, choice)
    if name == "mid-level":
        union, select = FlowUnion(_low_level(choice)), ObjectHierarchyFeatures(superclasses)
        return make_model([("low-level", union, select)], random_state=choice.seed)
    if name in _EXTRA:
        reason = _EXTRA[name].missing_reason()
        if reason is not None:
            raise MissingExtraError(f"the method {name!r} {reason}")
        return _EXTRA[name].make(choice.seed)
    if name.startswith("cnn:"):
        layer = name.removeprefix("cnn:")
        check_layer(choice.network, layer)
        flows: list[tuple[str, Flow]] = [("cnn", CNNEmbedding(choice.network, layer))]
    elif sized := re.fullmatch(r"pixels:(\d{1,5})x(\d{1,5})((?:\+cnn)?)", name):
        flows = _FLOWS[f"pixels{sized[3]}"](choice._replace(size=(int(sized[1]), int(sized[2]))))
    elif name in _FLOWS:
        flows = _FLOWS[name](choice)
    else:
        known = [*METHODS, *EXTRA_METHODS, *RECIPE_METHODS, "RECIPE:HEAD", "cnn:LAYER", "pixels:WIDTHxHEIGHT"]
        near = difflib.get_close_matches(name, [*known, "all"], n=3, cutoff=0.4) or known
        raise InputError(f"there is no method {name!r}; did you mean {' or '.join(near)}?")
    return make_model([(flow_name, flow, "passthrough") for flow_name, flow in flows], random_state=choice.seed)


def _make_recipe(recipe: str, head: str | None, choice: _Choice) -> Any:
    model = make_model(recipe, head=head, network=choice.network, random_state=choice.seed)
    # All methods with a projection have the same one.
    return model.set_params(projection__random_state=choice.seed) if "projection" in model.get_params() else model
