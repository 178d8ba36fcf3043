"""The rows of a comparison that have a name: the paper's Table 1, and the recipes with each of the heads."""

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

from .._errors import InputError, MissingExtraError
from ..deep import ConvNetClassifier
from ..deep.extra import missing_reason
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
from ..models import ObjectHierarchyFeatures, TwoFlowClassifier
from ..models.heads import get_head
from ..models.recipes import RECIPES
from ..networks import get_card
from ..networks.catalog import check_layer


class _Choice(NamedTuple):
    """What the parts of rows are made with: a network, a seed, and the width and height of raw pixels."""

    network: str
    seed: int
    size: tuple[int, int]


def _low_level(choice: _Choice) -> list[tuple[str, Flow]]:
    """The paper's "color histogram, SIFT histogram, GIST, LBP"."""
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


#: The forest's rows: name -> the flows whose features, unselected, the forest is given.
_FLOWS: dict[str, Callable[[_Choice], list[tuple[str, Flow]]]] = {
    "cnn": _cnn,
    "projection": lambda choice: [("projection", PixelProjection(random_state=choice.seed))],
    "pixels": _pixels,
    "pixels+cnn": lambda choice: [*_pixels(choice), *_cnn(choice)],
    "low-level": _low_level,
    "low-level+cnn": lambda choice: [*_low_level(choice), *_cnn(choice)],
}

#: The paper's pictures: how many, and their width and height.
_PAPER_PICTURES, _PAPER_SIZE = 5_250, (640, 480)
#: Of memory, what one table of raw pixels may take: a row holds several, and each process that fits one its own.
_PIXELS_SHARE = 1 / 16
_MOST_MEMORY = 2**32  # with that much or more, a row is the same on every machine
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


class _ExtraRow(NamedTuple):
    """A row that only an extra brings: how it is made from a seed, and what says why it cannot be, if so."""

    make: Callable[[int], Any]
    missing_reason: Callable[[], str | None]


_EXTRA: dict[str, _ExtraRow] = {
    "convnet": _ExtraRow(lambda seed: ConvNetClassifier(random_state=seed), missing_reason),
}

#: Every row by name that needs no extra, in the order of interest; besides these there is a row ``cnn:LAYER`` for each
#: layer of a network, and with ``pixels:WIDTHxHEIGHT`` in place of "pixels" the rows with raw pixels at that size.
ROWS = ("two-flow", *_FLOWS, "mid-level")

#: The rows that are compared when none are named: those that take two or three minutes on a few hundred pictures.
DEFAULT_ROWS = ROWS[:5]

#: The recipes: rows when named; and as ``RECIPE:HEAD`` each with a head in the place of its own.
RECIPE_ROWS = tuple(RECIPES)

#: The rows that need an extra: in a comparison when named, or with "all" where the extra is installed.
EXTRA_ROWS = tuple(_EXTRA)


def make_rows(
    names: Iterable[str],
    network: str = "efficientnet-lite0",
    random_state: int = 0,
    superclasses: Mapping[Any, Any] | None = None,
    n_pictures: int = _PAPER_PICTURES,
) -> dict[str, Any]:
    """The models of the named rows, all with the same projection and seed.

    Parameters
    ----------
    names : iterable of str
        Of `ROWS`, `EXTRA_ROWS`, `RECIPE_ROWS`, ``RECIPE:HEAD``, ``cnn:LAYER``, ``pixels:WIDTHxHEIGHT``,
        ``pixels:WIDTHxHEIGHT+cnn``, or "all" for every row of the paper's table that is no repetition and whose extra
        is installed; `left_out_rows` has the others.
    network : str
        The network of the rows that have one: its name, or its path.
    random_state : int
    superclasses : mapping of class to superclass, optional
        The object hierarchy of the row ``mid-level``, which learns one when it is not given.
    n_pictures : int
        How many pictures they are for. The paper's forest took pixels at 640 x 480, which few machines have the memory
        for: "pixels" takes the largest whole fraction of that at which a table of them needs a sixteenth of this
        machine's memory, or of 4 GiB if that is less.

    Returns
    -------
    dict of str to classifier
        By name, where "pixels" has become ``pixels:WIDTHxHEIGHT``.

    Raises
    ------
    ValueError
        If there is no such row or layer; the message gives the nearest names.
    ModuleNotFoundError
        If a row is named whose extra is not installed; the message says how to install it.
    """
    get_card(network)  # also where no row has one: a name that is wrong is told, not passed over
    names = list(names)
    if names == ["all"]:
        extra = [name for name in EXTRA_ROWS if name not in left_out_rows(names)]
        names = [*ROWS, *extra, *(f"cnn:{layer}" for layer in get_card(network).stages)]
    choice = _Choice(network, random_state, size=_pixels_size(n_pictures))
    return {name: _make_row(name, choice, superclasses) for name in (_with_size(name, choice.size) for name in names)}


def left_out_rows(names: Iterable[str]) -> dict[str, str]:
    """The rows that "all" leaves out because their extra is not installed, each with the reason.

    Parameters
    ----------
    names : iterable of str
        As for `make_rows`; other names leave nothing out.

    Returns
    -------
    dict of str to str
    """
    if list(names) != ["all"]:
        return {}
    reasons = {name: row.missing_reason() for name, row in _EXTRA.items()}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _with_size(name: str, size: tuple[int, int]) -> str:
    return re.sub(r"^pixels(?=$|\+cnn$)", "pixels:{}x{}".format(*size), name)


def _pixels_size(n_pictures: int) -> tuple[int, int]:
    """The largest whole fraction of the paper's size that memory allows."""
    width, height = _PAPER_SIZE
    n_most = _PIXELS_SHARE * _memory() / (np.dtype(np.float32).itemsize * 3 * n_pictures)
    common = math.gcd(width, height)
    sizes = [(width // divisor, height // divisor) for divisor in range(1, common + 1) if common % divisor == 0]
    return next((size for size in sizes if math.prod(size) <= n_most), sizes[-1])


def _memory() -> int:
    """The machine's memory in bytes, or that of the container it runs in, as far as they matter."""
    found = [_MOST_MEMORY]
    with suppress(AttributeError, ValueError, OSError):  # not every system says
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with suppress(ValueError, OSError):  # "max" where a container has no limit
        found.append(int(_CONTAINER_LIMIT.read_text()))
    return min(found)


def _make_row(name: str, choice: _Choice, superclasses: Mapping[Any, Any] | None) -> Any:
    recipe, *head = name.replace("two-flow", "paper").split(":", maxsplit=1)
    if recipe in RECIPES:
        return _make_recipe(recipe, head[0] if head else None, choice)
    if name == "mid-level":
        union, select = FlowUnion(_low_level(choice)), ObjectHierarchyFeatures(superclasses)
        return TwoFlowClassifier([("low-level", union, select)], random_state=choice.seed)
    if name in _EXTRA:
        reason = _EXTRA[name].missing_reason()
        if reason is not None:
            raise MissingExtraError(f"the row {name!r} {reason}")
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
        known = [*ROWS, *EXTRA_ROWS, *RECIPE_ROWS, "RECIPE:HEAD", "cnn:LAYER", "pixels:WIDTHxHEIGHT"]
        near = difflib.get_close_matches(name, [*known, "all"], n=3, cutoff=0.4) or known
        raise InputError(f"there is no row {name!r}; did you mean {' or '.join(near)}?")
    return TwoFlowClassifier([(flow_name, flow, "passthrough") for flow_name, flow in flows], random_state=choice.seed)


def _make_recipe(recipe: str, head: str | None, choice: _Choice) -> TwoFlowClassifier:
    if head is not None:
        get_head(head)  # a wrong name is told now
    model = TwoFlowClassifier(recipe=recipe, head=head, network=choice.network, random_state=choice.seed)
    # All rows have the same projection, where they have one.
    return model.set_params(projection__random_state=choice.seed) if "projection" in model.get_params() else model
