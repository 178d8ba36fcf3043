"""The rows of a comparison that have a name: the paper's Table 1, one line each."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

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
from ..networks import get_card
from ..networks.catalog import check_layer

#: The forest's rows: name -> the flows whose features, unselected, the forest is given.
_FLOWS: dict[str, Callable[[str, int], list[tuple[str, Flow]]]] = {
    "cnn": lambda network, seed: [("cnn", CNNEmbedding(network))],
    "projection": lambda network, seed: [("projection", PixelProjection(random_state=seed))],
    "pixels": lambda network, seed: [("pixels", RawPixels())],
    "pixels+cnn": lambda network, seed: [("pixels", RawPixels()), ("cnn", CNNEmbedding(network))],
    "low-level": lambda network, seed: _low_level(seed),
    "low-level+cnn": lambda network, seed: [*_low_level(seed), ("cnn", CNNEmbedding(network))],
}


def _low_level(seed: int) -> list[tuple[str, Flow]]:
    """The paper's "color histogram, SIFT histogram, GIST, LBP"."""
    return [
        ("color", ColorHistogram()),
        ("sift", SIFTBagOfWords(random_state=seed)),
        ("gist", GISTDescriptor()),
        ("lbp", LBPHistogram()),
    ]


class _ExtraRow(NamedTuple):
    """A row that only an extra brings: how it is made from a seed, and what says why it cannot be, if so."""

    make: Callable[[int], Any]
    missing_reason: Callable[[], str | None]


_EXTRA: dict[str, _ExtraRow] = {
    "convnet": _ExtraRow(lambda seed: ConvNetClassifier(random_state=seed), missing_reason),
}

#: Every row by name that needs no extra, in the order of interest; besides these there is a row ``cnn:LAYER`` for each
#: layer of a network.
ROWS = ("two-flow", *_FLOWS, "mid-level")

#: The rows that are compared when none are named: those that take a minute or two on a few hundred pictures.
DEFAULT_ROWS = ROWS[:5]

#: The rows that need an extra: in a comparison when named, or with "all" where the extra is installed.
EXTRA_ROWS = tuple(_EXTRA)


def make_rows(
    names: Iterable[str],
    network: str = "efficientnet-lite0",
    random_state: int = 0,
    superclasses: Mapping[Any, Any] | None = None,
) -> dict[str, Any]:
    """The models of the named rows, all with the same projection and seed.

    Parameters
    ----------
    names : iterable of str
        Of `ROWS`, `EXTRA_ROWS`, ``cnn:LAYER``, or "all" for every one that is no repetition and whose extra is
        installed; `left_out_rows` has the others.
    network : str
        The network of the rows that have one: its name, or its path.
    random_state : int
    superclasses : mapping of class to superclass, optional
        The object hierarchy of the row ``mid-level``, which learns one when it is not given.

    Returns
    -------
    dict of str to classifier

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
    return {name: _make_row(name, network, random_state, superclasses) for name in names}


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


def _make_row(name: str, network: str, seed: int, superclasses: Mapping[Any, Any] | None) -> Any:
    if name == "two-flow":
        model = TwoFlowClassifier(random_state=seed)
        return model.set_params(projection__random_state=seed, cnn__network=network)
    if name == "mid-level":
        union, select = FlowUnion(_low_level(seed)), ObjectHierarchyFeatures(superclasses)
        return TwoFlowClassifier([("low-level", union, select)], random_state=seed)
    if name in _EXTRA:
        reason = _EXTRA[name].missing_reason()
        if reason is not None:
            raise ModuleNotFoundError(f"the row {name!r} {reason}")
        return _EXTRA[name].make(seed)
    if name.startswith("cnn:"):
        layer = name.removeprefix("cnn:")
        check_layer(network, layer)
        flows: list[tuple[str, Flow]] = [("cnn", CNNEmbedding(network, layer))]
    elif name in _FLOWS:
        flows = _FLOWS[name](network, seed)
    else:
        near = difflib.get_close_matches(name, [*ROWS, *EXTRA_ROWS, "cnn:LAYER", "all"], n=3, cutoff=0.4)
        near = near or [*ROWS, *EXTRA_ROWS, "cnn:LAYER"]
        raise ValueError(f"there is no row {name!r}; did you mean {' or '.join(near)}?")
    return TwoFlowClassifier([(flow_name, flow, "passthrough") for flow_name, flow in flows], random_state=seed)
