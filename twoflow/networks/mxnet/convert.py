"""Convert an MXNet network to an ONNX graph.

The operators mean what they mean in MXNet 1.9 (https://mxnet.apache.org/versions/1.9/api/python/docs/api/symbol/) when
it predicts: dropout does nothing, and batch normalization uses its moving mean and variance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ..bottlenecks import Step, find_bottlenecks
from .shapes import PoolAxis, Shape
from .symbol import Node

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

_BN_EPSILON = 1e-3
_SELU = {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}


def needed_nodes(nodes: Sequence[Node], outputs: Collection[str]) -> list[Node]:
    """Return the operators and variables that the outputs depend on, in the order of the file."""
    needed = set(outputs)
    for node in reversed(nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return [node for node in nodes if node.name in needed]


def layer_names(nodes: Sequence[Node], shapes: Mapping[str, Shape]) -> dict[str, str]:
    """Map the name of each layer to the name of its node.

    Every operator is a layer. The last pool over all positions is also called "global_pool", unless an operator has
    that name. The network's output, the last node, is computed from that pool alone, so it is not the gate of a
    squeeze-and-excitation block.
    """
    names = {node.name: node.name for node in nodes if node.op != "null"}
    for node in passed_nodes(nodes, shapes):
        if node.op == "Pooling" and node.flag("global_pool", False) and shapes[node.name][0] > 1:
            return {"global_pool": node.name, **names}
    return names


def passed_nodes(nodes: Sequence[Node], shapes: Mapping[str, Shape]) -> list[Node]:
    """Find the operators that every path from the image to the output passes, the last one first."""
    operators = [node for node in nodes if node.op != "null"]
    steps = [Step((node.name,), node.inputs) for node in operators]
    return [operators[i] for i in find_bottlenecks(steps, next(iter(shapes)), operators[-1].name)]


def parameter_names(nodes: Sequence[Node], shapes: Mapping[str, Shape]) -> set[str]:
    """Return the names of the parameters among the inputs of these nodes."""
    return {name for node in nodes for name in node.inputs} - set(shapes)


def convert(
    nodes: Sequence[Node], shapes: Mapping[str, Shape], weights: Mapping[str, np.ndarray], outputs: Collection[str]
) -> ModelProto:
    """Build the graph up to the last of the wanted layers.

    Batch normalization is folded into the convolution before it, unless the convolution is a wanted layer itself or
    other nodes read it too.

    Parameters
    ----------
    nodes : sequence of Node
        What `needed_nodes` returns for the outputs.
    shapes : mapping of str to tuple of int
        What `infer_shapes` returns for the whole network, the input first.
    weights : mapping of str to ndarray
        The nodes' parameters.
    outputs : collection of str
        Names of layers.

    Returns
    -------
    ModelProto
        With one input of shape (N, 3, height, width) and dtype float32. The outputs are named as in `outputs`.

    Raises
    ------
    ValueError
        If an activation is of a kind that is not supported.
    """
    from onnx import TensorProto, helper

    graph = _Graph(nodes, shapes, weights, outputs)
    for node in nodes:
        if node.op != "null":
            OPERATORS[node.op](graph, node)
    source = next(iter(shapes))
    body = helper.make_graph(
        graph.nodes,
        "mxnet",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, ("N", *shapes[source]))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ("N", *shapes[name])) for name in outputs],
        graph.constants,
    )
    # onnx would write its newest versions by default. Every onnxruntime that we allow can read these.
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


class _Graph:
    """The nodes and constants of an ONNX graph under construction. Tensors have the names of MXNet's nodes."""

    def __init__(
        self, nodes: Sequence[Node], shapes: Mapping[str, Shape], weights: Mapping[str, np.ndarray],
        outputs: Collection[str],
    ) -> None:
        self.shapes, self.weights = shapes, weights
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._names = set(shapes)
        by_name = {node.name: node for node in nodes}
        uses: dict[str, list[Node]] = {}
        for node in nodes:
            for name in node.inputs:
                uses.setdefault(name, []).append(node)
        #: Each batch normalization that is folded, by the name of the convolution that it is folded into.
        self.folded = {
            name: users[0]
            for name, users in uses.items()
            if name in by_name and by_name[name].op == "Convolution" and name not in outputs
            and len(users) == 1 and users[0].op == "BatchNorm"
        }

    def constant(self, name: str, values: np.ndarray | float) -> str:
        from onnx import numpy_helper

        while name in self._names:
            name += "'"
        self._names.add(name)
        self.constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def channels(self, node: Node, part: str, values: np.ndarray) -> str:
        """Add a constant with one value for each channel of the node's output, and return its name."""
        return self.constant(f"{node.name}.{part}", values.reshape(-1, *[1] * (len(self.shapes[node.name]) - 1)))

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def affine(self, node: Node) -> tuple[np.ndarray, np.ndarray]:
        """Compute scale and shift of each channel, in float64, that replace a batch normalization."""
        gamma, beta, mean, variance = (
            self.weights[node.input(position)].astype(np.float64) for position in range(1, 5)
        )
        if node.flag("fix_gamma", True):
            gamma = np.ones_like(gamma)
        scale = gamma / np.sqrt(variance + node.number("eps", _BN_EPSILON))
        return scale, beta - mean * scale


def _convolution(graph: _Graph, node: Node) -> None:
    kernel = graph.weights[node.input(1)].astype(np.float64)
    no_bias = node.flag("no_bias", False)
    bias = np.zeros(len(kernel)) if no_bias else graph.weights[node.input(2)].astype(np.float64)
    name = node.name
    if name in graph.folded:
        name = graph.folded[name].name
        scale, shift = graph.affine(graph.folded[node.name])
        kernel, bias = kernel * scale[:, None, None, None], bias * scale + shift
    padding = node.pair("pad", 0, least=0)
    graph.add(
        "Conv",
        [node.input(0), graph.constant(f"{name}.weight", kernel), graph.constant(f"{name}.bias", bias)],
        name,
        kernel_shape=node.pair("kernel"), strides=node.pair("stride", 1), pads=padding * 2,
        dilations=node.pair("dilate", 1), group=node.integer("num_group", 1),
    )


def _batch_norm(graph: _Graph, node: Node) -> None:
    if node.input(0) in graph.folded:
        return
    scale, shift = graph.affine(node)
    scaled = graph.add("Mul", [node.input(0), graph.channels(node, "scale", scale)], f"{node.name}.scaled")
    graph.add("Add", [scaled, graph.channels(node, "shift", shift)], node.name)


def _pooling(graph: _Graph, node: Node) -> None:
    kind = node.text("pool_type", "max")
    _, *sizes = graph.shapes[node.input(0)]
    if node.flag("global_pool", False):
        attributes: dict[str, Any] = {}
        factors = np.full((1, 1), math.prod(sizes) if kind == "sum" else 1)
    else:
        rows, columns = (PoolAxis(node, axis, size) for axis, size in enumerate(sizes))
        area = rows.kernel * columns.kernel
        attributes = {
            "kernel_shape": (rows.kernel, columns.kernel),
            "strides": (rows.stride, columns.stride),
            "pads": (rows.before, columns.before, rows.after, columns.after),
        }
        # If padding counts, ONNX divides by the size of the whole window. MXNet leaves out the positions that only
        # rounding up has added.
        count_padding = kind == "sum" or node.flag("count_include_pad", True)
        if kind == "sum":
            factors = np.full((1, 1), area)
        elif count_padding:
            factors = area / np.outer(rows.divisors, columns.divisors)
        else:
            factors = np.ones((1, 1))
        if kind != "max":
            attributes["count_include_pad"] = int(count_padding)
    operator = ("Global" if not attributes else "") + ("MaxPool" if kind == "max" else "AveragePool")
    if kind == "max" or (factors == 1).all():
        graph.add(operator, [node.input(0)], node.name, **attributes)
    else:
        pooled = graph.add(operator, [node.input(0)], f"{node.name}.pooled", **attributes)
        graph.add("Mul", [pooled, graph.constant(f"{node.name}.factors", factors)], node.name)


def _activation(graph: _Graph, node: Node) -> None:
    kinds = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softrelu": "Softplus", "softsign": "Softsign"}
    graph.add(kinds[_kind(node, kinds, "relu")], [node.input(0)], node.name)


def _leaky_relu(graph: _Graph, node: Node) -> None:
    kind = _kind(node, ("leaky", "elu", "selu", "prelu", "rrelu"), "leaky")
    x = node.input(0)
    if kind == "leaky":
        graph.add("LeakyRelu", [x], node.name, alpha=node.number("slope", 0.25))
    elif kind == "elu":
        graph.add("Elu", [x], node.name, alpha=node.number("slope", 0.25))
    elif kind == "selu":
        graph.add("Selu", [x], node.name, **_SELU)
    elif kind == "rrelu":  # its slope is random in training; prediction uses the mean slope
        slope = (node.number("lower_bound", 0.125) + node.number("upper_bound", 0.334)) / 2
        graph.add("LeakyRelu", [x], node.name, alpha=slope)
    else:
        graph.add("PRelu", [x, graph.channels(node, "slope", graph.weights[node.input(1)])], node.name)


def _kind(node: Node, kinds: Collection[str], default: str) -> str:
    kind = node.text("act_type", default)
    if kind not in kinds:
        raise InputError(f"{node.name}: expected an act_type of {', '.join(kinds)}, got {kind!r}")
    return kind


def _fully_connected(graph: _Graph, node: Node) -> None:
    flat = graph.add("Flatten", [node.input(0)], f"{node.name}.flat")
    n_parameters = 1 if node.flag("no_bias", False) else 2
    names = [node.input(position) for position in range(1, 1 + n_parameters)]
    constants = [graph.constant(f"{node.name}.{name}", graph.weights[name]) for name in names]
    graph.add("Gemm", [flat, *constants], node.name, transB=1)


def _clip(graph: _Graph, node: Node) -> None:
    bounds = [graph.constant(f"{node.name}.{key}", node.number(key)) for key in ("a_min", "a_max")]
    graph.add("Clip", [node.input(0), *bounds], node.name)


def _response_norm(graph: _Graph, node: Node) -> None:
    graph.add(
        "LRN", [node.input(0)], node.name,
        alpha=node.number("alpha", 1e-4), beta=node.number("beta", 0.75), bias=node.number("knorm", 2.0),
        size=node.integer("nsize"),
    )


def _simple(operator: str, **attributes: Any) -> Callable[[_Graph, Node], None]:
    """Convert an operator of one input that ONNX has under another name."""

    def add(graph: _Graph, node: Node) -> None:
        graph.add(operator, [node.input(0)], node.name, **attributes)

    return add


def _joined(operator: str, **attributes: Any) -> Callable[[_Graph, Node], None]:
    """Convert an operator of several inputs that ONNX has under another name."""

    def add(graph: _Graph, node: Node) -> None:
        graph.add(operator, node.inputs, node.name, **attributes)

    return add


def _with_scalar(operator: str) -> Callable[[_Graph, Node], None]:
    def add(graph: _Graph, node: Node) -> None:
        scalar = graph.constant(f"{node.name}.scalar", node.number("scalar"))
        graph.add(operator, [node.input(0), scalar], node.name)

    return add


#: The function that adds each operator to the graph.
OPERATORS: dict[str, Callable[[_Graph, Node], None]] = {
    "Activation": _activation,
    "BatchNorm": _batch_norm,
    "Concat": _joined("Concat", axis=1),
    "Convolution": _convolution,
    "Dropout": _simple("Identity"),
    "Flatten": _simple("Flatten"),
    "FullyConnected": _fully_connected,
    "LRN": _response_norm,
    "LeakyReLU": _leaky_relu,
    "Pooling": _pooling,
    "SoftmaxActivation": _simple("Softmax", axis=1),
    "SoftmaxOutput": _simple("Softmax", axis=1),
    "clip": _clip,
    "elemwise_add": _joined("Sum"),
    "elemwise_mul": _joined("Mul"),
    "identity": _simple("Identity"),
    "relu": _simple("Relu"),
    "sigmoid": _simple("Sigmoid"),
    "softmax": _simple("Softmax", axis=1),
    "tanh": _simple("Tanh"),
    "_div_scalar": _with_scalar("Div"),
    "_minus_scalar": _with_scalar("Sub"),
    "_mul_scalar": _with_scalar("Mul"),
    "_plus_scalar": _with_scalar("Add"),
}
