"""Find the global pool of an ONNX graph, which is the image's embedding in most networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..bottlenecks import Step, find_bottlenecks
from ..card import Layer
from .graph import channels_last
from .nodes import names_read
from .values import Value

if TYPE_CHECKING:
    from onnx import AttributeProto, ModelProto, NodeProto

#: Operators that change the shape of a pool's output and nothing else.
_RESHAPES = ("Flatten", "Reshape", "Squeeze")


def find_global_pool(
    model: ModelProto, source: str, values: Mapping[str, Value], layers: Mapping[str, Layer]
) -> str | None:
    """Find the last layer that averages each channel over all positions and that decides an output of the graph.

    The layer is a bottleneck: every path from the image to that output passes through it. So it is neither the gate of
    a squeeze-and-excitation block nor a part of a normalization. A mean over channels does not count, because it does
    not average over positions.

    Parameters
    ----------
    model : ModelProto
        After `fix_input`.
    source : str
        The name of the graph's input.
    values : mapping of str to Value
        What `infer_values` returns.
    layers : mapping of str to Layer
        What `read_layers` returns.

    Returns
    -------
    str or None
        A key of `layers`, with more than one channel. None if there is no such layer.
    """
    graph = _Graph(model, values, layers)
    steps = [Step(node.output, names_read(node)) for node in model.graph.node]
    for output in model.graph.output:
        for number in find_bottlenecks(steps, source, output.name):
            if graph.is_pool(model.graph.node[number]):
                pool = graph.as_layer(model.graph.node[number].output[0])
                if pool is not None and layers[pool].width > 1:
                    return pool
    return None


class _Graph:
    def __init__(self, model: ModelProto, values: Mapping[str, Value], layers: Mapping[str, Layer]) -> None:
        self._values, self._layers = values, layers
        self._channels_last = channels_last(model)
        self._producers = {name: node for node in model.graph.node for name in node.output}
        self._consumers: dict[str, list[NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._consumers.setdefault(name, []).append(node)
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}

    def is_pool(self, node: NodeProto) -> bool:
        """Decide whether a node averages over all positions, or over those that an earlier mean has left."""
        if node.op_type not in ("GlobalAveragePool", "AveragePool", "ReduceMean"):
            return False
        x = node.input[0]
        reduced, positions, shape = self._reduced(node), self._positions(x), self._shape(x)
        return bool(reduced) and {axis for axis in positions if shape[axis] != 1} <= reduced <= positions

    def as_layer(self, name: str) -> str | None:
        """Find the layer that holds these values: the tensor itself, or the tensor that it is reshaped to."""
        while name not in self._layers or self._layers[name].is_map:
            following = self._consumers.get(name, [])
            if len(following) != 1 or following[0].op_type not in _RESHAPES:
                return None
            name = following[0].output[0]
        return name

    def _reduced(self, node: NodeProto) -> set[int]:
        """Return the axes that a node averages over."""
        shape = self._shape(node.input[0])
        if node.op_type == "ReduceMean":
            return {axis % len(shape) for axis in self._axes(node)} if shape else set()
        if node.op_type == "AveragePool":
            is_padded = _attribute(node, "auto_pad").s not in (b"", b"NOTSET", b"VALID")
            if is_padded or any(_attribute(node, "pads").ints):
                return set()
            if list(_attribute(node, "kernel_shape").ints) != shape[2:]:
                return set()
        return set(range(2, len(shape)))

    def _axes(self, node: NodeProto) -> Sequence[int]:
        """Return the axes that a ReduceMean names: in an attribute, or since opset 18 in its second input."""
        from onnx import TensorProto, numpy_helper

        if len(node.input) < 2:
            return _attribute(node, "axes").ints
        producer = self._producers.get(node.input[1])
        tensor = self._constants.get(node.input[1]) if producer is None else _attribute(producer, "value").t
        if tensor is None or tensor.data_type != TensorProto.INT64:
            return []
        return numpy_helper.to_array(tensor).ravel().tolist()

    def _positions(self, name: str) -> set[int]:
        """Return the axes of a tensor that are positions: rows and columns, or one axis for both; none if no map."""
        shape = self._shape(name)
        if len(shape) == 4:
            return {1, 2} if name in self._channels_last else {2, 3}
        if len(shape) != 3 or name not in self._producers or not self._producers[name].input:
            return set()
        node = self._producers[name]
        before = self._shape(node.input[0])
        if len(before) != 4 or node.input[0] in self._channels_last or before[1] != shape[1]:
            return set()
        is_flat = node.op_type in _RESHAPES and shape[2] == before[2] * before[3]
        is_half = node.op_type == "ReduceMean" and self._reduced(node) in ({2}, {3})
        return {2} if is_flat or is_half else set()

    def _shape(self, name: str) -> list[int]:
        return list(self._values[name].shape) if name in self._values else []


def _attribute(node: NodeProto, name: str) -> AttributeProto:
    """Return an attribute of a node, or an empty one if the node has none of that name."""
    from onnx import AttributeProto

    return next((each for each in node.attribute if each.name == name), AttributeProto())
