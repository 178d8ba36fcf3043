"""Put a pretrained network into the graph: its constants once, its nodes once for each view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..._text import printable
from ...errors import InputError
from ...flows.views import View
from ...images import Fitting
from ...networks.errors import MAX_LENGTH
from ...networks.network import Network
from .graph import ML_DOMAIN, OPSET, Graph
from .image_input import ImageInput
from .pooling import Map

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto


class _Body(NamedTuple):
    """A network in the operator set of the graph; its constants are in the graph, under these names."""

    model: ModelProto
    constants: Mapping[str, str]


def add_layer(graph: Graph, network: Network, layer: str, view: View, image: ImageInput) -> Map:
    """Add a pass of a network over a view of the image, unless there is one; return the output of a layer.

    Raises
    ------
    ValueError
        If the network cannot be brought to the operator set of the graph.
    """
    body = _share_body(graph, network)
    card = network.card
    key = "pass", network.digest, card.fitting, card.channels, card.mean, card.scale, view
    if key not in graph.shared:
        graph.shared[key] = _add_pass(graph, body, network, view, image)
    width, is_map, positions = network.card.layers[layer]
    rows, columns = positions or (1, 1)
    return Map(graph.shared[key][layer], width, rows, columns, varies=is_map and card.varies)


def _share_body(graph: Graph, network: Network) -> _Body:
    key = "network", network.digest, network.card.varies or network.card.input_size
    if key not in graph.shared:
        model = _to_opset(network)
        versions = {each.domain: each.version for each in model.opset_import}
        others = sorted(set(versions) - {"", "ai.onnx", ML_DOMAIN})
        if others:
            raise InputError(
                f"{network.title}: expected operators of ONNX only, got a network with those of {', '.join(others)}; "
                "export the network without them"
            )
        graph.opset = max(graph.opset, versions.get("", OPSET))
        number = sum(isinstance(each, _Body) for each in graph.shared.values())
        constants = {tensor.name: f"network_{number}/{tensor.name}" for tensor in model.graph.initializer}
        for tensor in model.graph.initializer:
            tensor.name = constants[tensor.name]
        graph.extend([], model.graph.initializer)
        graph.shared[key] = _Body(model, constants)
    return graph.shared[key]


def _to_opset(network: Network) -> ModelProto:
    """Build the network with all its layers, with operators of `OPSET` or newer and without functions."""
    from onnx import inliner, version_converter

    model = network.build(tuple(network.card.layers))
    try:
        model = inliner.inline_local_functions(model)
        if max(each.version for each in model.opset_import if each.domain in ("", "ai.onnx")) < OPSET:
            model = version_converter.convert_version(model, OPSET)
    except Exception as error:  # onnx's errors have no common base class
        raise InputError(printable(
            f"{network.title}: cannot be brought to ONNX's operator set {OPSET}: {error}; export the network for it",
            MAX_LENGTH,
        )) from error
    return model


def _add_pass(graph: Graph, body: _Body, network: Network, view: View, image: ImageInput) -> dict[str, str]:
    """Add the nodes of a network for one view; return the name of each layer's output, turned back."""
    number = sum(key[0] == "pass" for key in graph.shared if isinstance(key, tuple))
    names = dict(body.constants)
    [source] = [value.name for value in body.model.graph.input]
    names[source] = _preprocess(graph, network, _add_view(graph, view, image, network.card.fitting))
    graph.extend(_renamed(node, names, f"pass_{number}/") for node in body.model.graph.node)
    return {
        layer: _turn_back(graph, names[layer]) if view.is_mirrored and is_map else names[layer]
        for layer, (_, is_map, _) in network.card.layers.items()
    }


def _renamed(node: NodeProto, names: dict[str, str], prefix: str) -> NodeProto:
    """Copy a node, with a prefix before its name and before every name that is not in `names` yet, which is added."""

    def rename(fields: list[str]) -> list[str]:
        return [names.setdefault(name, f"{prefix}{name}") if name else "" for name in fields]

    def rename_graph(body: GraphProto) -> None:
        for value in (*body.input, *body.initializer):
            [value.name] = rename([value.name])
        for inner in body.node:
            inner.CopyFrom(_renamed(inner, names, prefix))
        for value in body.output:
            [value.name] = rename([value.name])
        del body.value_info[:]

    copy = type(node)()
    copy.CopyFrom(node)
    copy.name = f"{prefix}{node.name}" if node.name else ""
    copy.input[:] = rename(list(node.input))
    for attribute in copy.attribute:
        for body in ([attribute.g] if attribute.HasField("g") else [*attribute.graphs]):
            rename_graph(body)
    copy.output[:] = rename(list(node.output))
    return copy


def _add_view(graph: Graph, view: View, image: ImageInput, fitting: Fitting) -> str:
    """Add the counterpart of `View.pixels`."""
    if view.crop is None:
        whole = image.fitted(fitting)
        return _mirror(graph, whole, axis=1) if view.is_mirrored else whole
    larger, (left, top) = view.place(fitting)
    starts = np.array([top, left])
    stops = starts + np.array(fitting.size[::-1])
    return graph.add("Slice", image.fitted(larger), starts, stops, np.array([0, 1]))


def _turn_back(graph: Graph, output: str) -> str:
    return _mirror(graph, output, axis=3)


def _mirror(graph: Graph, value: str, axis: int) -> str:
    least = np.array([np.iinfo(np.int64).min])
    return graph.add("Slice", value, np.array([-1]), least, np.array([axis]), np.array([-1]))


def _preprocess(graph: Graph, network: Network, pixels: str) -> str:
    """Add the counterpart of `NetworkCard.preprocess`."""
    card = network.card
    if card.channels == "BGR":
        pixels = _mirror(graph, pixels, axis=2)
    planes = graph.cast(graph.add("Transpose", pixels, perm=[2, 0, 1]), np.float32)
    planes = graph.add("Sub", planes, np.reshape(card.mean, (-1, 1, 1)).astype(np.float32))
    planes = graph.add("Div", planes, np.reshape(card.scale, (-1, 1, 1)).astype(np.float32))
    return graph.add("Unsqueeze", planes, np.array([0]))
