"""Infer the shape of every layer of an MXNet network, and check that its parameters fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from ...errors import InputError
from ..content import MAX_VALUES
from .params import Entry
from .symbol import Node

#: The shape of a layer's output for one image: (channels, rows, columns) or (channels,).
Shape = tuple[int, ...]


def find_input(nodes: Sequence[Node], index: Mapping[str, Entry]) -> str:
    """Find the variable that is the image: the only one that is an operator's first input and has no values."""
    variables = {node.name for node in nodes if node.op == "null"} - set(index)
    found = list(dict.fromkeys(node.inputs[0] for node in nodes if node.inputs and node.inputs[0] in variables))
    if len(found) != 1:
        raise InputError(f"expected one input for images, got {len(found)} ({', '.join(found)})")
    return found[0]


def infer_shapes(nodes: Sequence[Node], index: Mapping[str, Entry], size: tuple[int, int]) -> dict[str, Shape]:
    """Infer the shape of every layer for an image of a given size.

    Parameters
    ----------
    nodes : sequence of Node
        The nodes of the symbol.
    index : mapping of str to Entry
        The parameters, from `read_index`.
    size : (int, int)
        Width and height of the image in pixels.

    Returns
    -------
    dict of str to tuple of int
        By name, the input first, then the layers in the order of the file.

    Raises
    ------
    ValueError
        If operators are not supported (the message lists them all), if a parameter is missing or its shape does not
        fit its operator, or if the network does not take images of this size.
    """
    unknown = sorted({node.op for node in nodes} - set(SHAPES) - {"null"})
    if unknown:
        raise InputError(f"these operators are not supported: {', '.join(unknown)}")
    shapes: dict[str, Shape] = {find_input(nodes, index): (3, size[1], size[0])}
    for node in nodes:
        if node.op == "null":
            continue
        shape = SHAPES[node.op](node, _Inputs(node, shapes, index))
        if min(shape) < 1:
            raise InputError(
                f"{node.name}: expected a larger image, got {size[0]} x {size[1]} pixels: this layer leaves none of it"
            )
        if math.prod(shape) > MAX_VALUES:
            raise InputError(f"{node.name}: expected at most {MAX_VALUES} values in a layer, got {math.prod(shape)}")
        shapes[node.name] = shape
    return shapes


class PoolAxis:
    """Pooling along one axis of a map: rows or columns.

    Attributes
    ----------
    kernel, stride : int
        The length of the window, and its step.
    n_outputs : int
        The length of the output.
    before, after : int
        The padding with which ONNX, which rounds the length of the output down, gives `n_outputs` too.
    divisors : list of int
        For each output, the number of values that MXNet divides by when it counts padding. It counts positions in the
        map and in the declared padding, but not those that only rounding up has added.
    """

    def __init__(self, node: Node, axis: int, size: int) -> None:
        self.kernel = node.pair("kernel")[axis]
        self.stride = node.pair("stride", 1)[axis]
        self.before = node.pair("pad", 0, least=0)[axis]
        convention = node.text("pooling_convention", "valid")
        if convention not in ("valid", "full"):
            raise InputError(f"{node.name}: expected a pooling_convention of valid or full, got {convention!r}")
        span = size + 2 * self.before - self.kernel
        self.n_outputs = (-(-span // self.stride) if convention == "full" else span // self.stride) + 1
        self.after = max((self.n_outputs - 1) * self.stride + self.kernel - size - self.before, self.before)
        if span >= 0 and max(self.before, self.after) >= self.kernel:
            raise InputError(f"{node.name}: expected less padding than the window has, got a window of padding only")
        self._end = size + self.before

    @property
    def divisors(self) -> list[int]:
        starts = (i * self.stride - self.before for i in range(self.n_outputs))
        return [min(start + self.kernel, self._end) - start for start in starts]


class _Inputs:
    """The inputs of an operator: the shapes of layers, and parameters whose shapes are checked."""

    def __init__(self, node: Node, shapes: Mapping[str, Shape], index: Mapping[str, Entry]) -> None:
        self._node, self._shapes, self._index = node, shapes, index

    def layer(self, position: int = 0) -> Shape:
        name = self._node.input(position)
        if name not in self._shapes:
            raise InputError(f"{self._node.name}: expected a layer as input, got the parameter {name!r}")
        return self._shapes[name]

    def layers(self) -> list[Shape]:
        return [self.layer(position) for position in range(max(1, len(self._node.inputs)))]

    def map(self) -> tuple[int, int, int]:
        shape = self.layer()
        if len(shape) != 3:
            raise InputError(f"{self._node.name}: expected a map as input, got the shape {shape}")
        return shape[0], shape[1], shape[2]

    def check_parameter(self, position: int, shape: Shape) -> None:
        name = self._node.input(position)
        if name not in self._index:
            raise InputError(f"{self._node.name}: the values of its parameter {name!r} are missing")
        if self._index[name].shape != shape:
            raise InputError(f"{name}: expected the shape {shape}, got {self._index[name].shape}")


def _convolution(node: Node, inputs: _Inputs) -> Shape:
    channels, *sizes = inputs.map()
    if node.text("layout", "NCHW") not in ("NCHW", "None"):
        raise InputError(f"{node.name}: expected the layout NCHW, got {node.text('layout', '')!r}")
    width, groups = node.integer("num_filter"), node.integer("num_group", 1)
    kernel, stride = node.pair("kernel"), node.pair("stride", 1)
    padding, dilation = node.pair("pad", 0, least=0), node.pair("dilate", 1)
    if channels % groups or width % groups:
        raise InputError(f"{node.name}: {channels} and {width} channels cannot be divided into {groups} groups")
    inputs.check_parameter(1, (width, channels // groups, *kernel))
    if not node.flag("no_bias", False):
        inputs.check_parameter(2, (width,))
    rows, columns = (
        (size + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) // stride[axis] + 1
        for axis, size in enumerate(sizes)
    )
    return width, rows, columns


def _batch_norm(node: Node, inputs: _Inputs) -> Shape:
    if node.integer("axis", 1) != 1:
        raise InputError(
            f"{node.name}: expected batch normalization of axis 1, the channels, got axis {node.integer('axis', 1)}"
        )
    shape = inputs.layer()
    for position in range(1, 5):
        inputs.check_parameter(position, shape[:1])
    return shape


def _pooling(node: Node, inputs: _Inputs) -> Shape:
    channels, rows, columns = inputs.map()
    if node.text("pool_type", "max") not in ("max", "avg", "sum"):
        raise InputError(f"{node.name}: expected a pool_type of max, avg or sum, got {node.text('pool_type', '')!r}")
    if node.flag("global_pool", False):
        return channels, 1, 1
    return channels, PoolAxis(node, 0, rows).n_outputs, PoolAxis(node, 1, columns).n_outputs


def _concat(node: Node, inputs: _Inputs) -> Shape:
    shapes = inputs.layers()
    if node.integer("dim", 1) != 1 or len({shape[1:] for shape in shapes}) > 1:
        raise InputError(
            f"{node.name}: expected inputs that join along the channels, got {', '.join(map(str, shapes))}"
        )
    return sum(shape[0] for shape in shapes), *shapes[0][1:]


def _elementwise(node: Node, inputs: _Inputs) -> Shape:
    shapes = inputs.layers()
    shape = tuple(map(max, zip(*shapes)))
    if len({len(shape) for shape in shapes}) > 1 or not all(
        n in (1, most) for each in shapes for n, most in zip(each, shape)
    ):
        raise InputError(f"{node.name}: expected inputs that broadcast, got {', '.join(map(str, shapes))}")
    return shape


def _flatten(node: Node, inputs: _Inputs) -> Shape:
    return (math.prod(inputs.layer()),)


def _fully_connected(node: Node, inputs: _Inputs) -> Shape:
    shape = inputs.layer()
    if len(shape) > 1 and not node.flag("flatten", True):
        raise InputError(f"{node.name}: a dense layer at each position is not supported")
    width = node.integer("num_hidden")
    inputs.check_parameter(1, (width, math.prod(shape)))
    if not node.flag("no_bias", False):
        inputs.check_parameter(2, (width,))
    return (width,)


def _leaky_relu(node: Node, inputs: _Inputs) -> Shape:
    if node.text("act_type", "leaky") == "prelu":
        inputs.check_parameter(1, inputs.layer()[:1])
    return inputs.layer()


def _softmax(node: Node, inputs: _Inputs) -> Shape:
    shape = inputs.layer()
    if len(shape) > 1:
        raise InputError(f"{node.name}: a softmax over a map is not supported")
    if node.text("temperature", "None") not in ("None", "1", "1.0"):
        raise InputError(f"{node.name}: a softmax with a temperature is not supported")
    return shape


def _same(node: Node, inputs: _Inputs) -> Shape:
    return inputs.layer()


#: The function that infers the shape of each operator's output.
SHAPES: dict[str, Callable[[Node, _Inputs], Shape]] = {
    "BatchNorm": _batch_norm,
    "Concat": _concat,
    "Convolution": _convolution,
    "Flatten": _flatten,
    "FullyConnected": _fully_connected,
    "LeakyReLU": _leaky_relu,
    "Pooling": _pooling,
    **dict.fromkeys(("elemwise_add", "elemwise_mul"), _elementwise),
    **dict.fromkeys(("SoftmaxActivation", "SoftmaxOutput", "softmax"), _softmax),
    **dict.fromkeys(
        ("Activation", "Dropout", "LRN", "clip", "identity", "relu", "sigmoid", "tanh", "_plus_scalar",
         "_minus_scalar", "_mul_scalar", "_div_scalar"),
        _same,
    ),
}
