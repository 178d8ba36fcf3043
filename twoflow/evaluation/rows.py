"""The rows of a comparison that have a name: the paper's Table 1, one line each."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

from ..flows import CNNEmbedding, Flow, PixelProjection, RawPixels
from ..models import TwoFlowClassifier
from ..networks import get_card
from ..networks.catalog import check_layer

#: The forest's rows: name -> the flows whose features, unselected, the forest is given.
_FLOWS: dict[str, Callable[[str, int], list[tuple[str, Flow]]]] = {
    "cnn": lambda network, seed: [("cnn", CNNEmbedding(network))],
    "projection": lambda network, seed: [("projection", PixelProjection(random_state=seed))],
    "pixels": lambda network, seed: [("pixels", RawPixels())],
    "pixels+cnn": lambda network, seed: [("pixels", RawPixels()), ("cnn", CNNEmbedding(network))],
}

#: Every row by name, in the order of interest; besides these there is a row ``cnn:LAYER`` for each layer of a network.
ROWS = ("two-flow", *_FLOWS)


def make_rows(
    names: Iterable[str], network: str = "efficientnet-lite0", random_state: int = 0
) -> dict[str, TwoFlowClassifier]:
    """The models of the named rows, all with the same projection and seed.

    Parameters
    ----------
    names : iterable of str
        Of `ROWS`, ``cnn:LAYER``, or "all" for every one that is no repetition.
    network : str
        The network of the rows that have one: its name, or its path.
    random_state : int

    Returns
    -------
    dict of str to TwoFlowClassifier

    Raises
    ------
    ValueError
        If there is no such row or layer; the message gives the nearest names.
    """
    get_card(network)  # also where no row has one: a name that is wrong is told, not passed over
    names = list(names)
    if names == ["all"]:
        names = [*ROWS, *(f"cnn:{layer}" for layer in get_card(network).stages)]
    return {name: _make_row(name, network, random_state) for name in names}


def _make_row(name: str, network: str, seed: int) -> TwoFlowClassifier:
    if name == "two-flow":
        model = TwoFlowClassifier(random_state=seed)
        return model.set_params(projection__random_state=seed, cnn__network=network)
    if name.startswith("cnn:"):
        layer = name.removeprefix("cnn:")
        check_layer(network, layer)
        flows: list[tuple[str, Flow]] = [("cnn", CNNEmbedding(network, layer))]
    elif name in _FLOWS:
        flows = _FLOWS[name](network, seed)
    else:
        near = difflib.get_close_matches(name, [*ROWS, "cnn:LAYER", "all"], n=3, cutoff=0.4) or [*ROWS, "cnn:LAYER"]
        raise ValueError(f"there is no row {name!r}; did you mean {' or '.join(near)}?")
    return TwoFlowClassifier([(flow_name, flow, "passthrough") for flow_name, flow in flows], random_state=seed)
