"""The shape of every layer of an MXNet network, and with it the check that its parameters fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from ...errors import InputError
from ..content import MAX_VALUES
from .params import Entry
from .symbol import Node

#: Of one image's output: (channels, rows, columns) or (channels,).
Shape = tuple[int, ...]


def find_input(nodes: Sequence[Node], index: Mapping[str, Entry]) -> str:
    """The name of the variable that the image enters by: the one that feeds an operator and has no values."""
    variables = {node.name for node in nodes if node.op == "null"} - set(index)
    found = list(dict.fromkeys(node.inputs[0] for node in nodes if node.inputs and node.inputs[0] in variables))
    if len(found) != 1:
        raise InputError(f"it has {len(found)} inputs for images ({', '.join(found)}), where one is expected")
    return found[0]


def infer_shapes(nodes: Sequence[Node], index: Mapping[str, Entry], size: tuple[int, int]) -> dict[str, Shape]:
    """The shape of every layer for an image of `size` (width, height).

    Parameters
    ----------
    nodes : sequence of Node
    index : mapping of str to Entry
        The parameters.
    size : (int, int)

    Returns
    -------
    dict of str to tuple of int
        By name, in the order of the file, the input first.

    Raises
    ------
    ValueError
        If there are operators that are not supported, all of which are listed; if a parameter is missing or has
        another shape than its operator; if the network does not take images of this size.
    """
    unknown = sorted({node.op for node in nodes} - set(SHAPES) - {"null"})
    if unknown:
        raise InputError(f"it has operators that are not supported: {', '.join(unknown)}")
    shapes: dict[str, Shape] = {find_input(nodes, index): (3, size[1], size[0])}
    for node in nodes:
        if node.op == "null":
            continue
        shape = SHAPES[node.op](node, _Inputs(node, shapes, index))
        if min(shape) < 1:
            raise InputError(f"{node.name}: nothing is left of an image of {size[0]} x {size[1]} pixels")
        if math.prod(shape) > MAX_VALUES:
            raise InputError(f"{node.name}: {math.prod(shape)} values, more than any network for photos needs")
        shapes[node.name] = shape
    return shapes


class PoolAxis:
    """Pooling along rows or columns.

    Attributes
    ----------
    n_outputs : int
    before, after : int
        Padding that gives as many outputs when their number is rounded down.
    divisors : list of int
        For each output, over how many values MXNet averages when it counts padding: those in the image and its
        declared padding, but not those that only rounding up added.
    """

    def __init__(self, node: Node, axis: int, size: int) -> None:
        self.kernel = node.pair("kernel")[axis]
        self.stride = node.pair("stride", 1)[axis]
        self.before = node.pair("pad", 0, least=0)[axis]
        convention = node.text("pooling_convention", "valid")
        if convention not in ("valid", "full"):
            raise InputError(f"{node.name}: pooling_convention {convention!r} is not supported")
        span = size + 2 * self.before - self.kernel
        self.n_outputs = (-(-span // self.stride) if convention == "full" else span // self.stride) + 1
        self.after = max((self.n_outputs - 1) * self.stride + self.kernel - size - self.before, self.before)
        if span >= 0 and max(self.before, self.after) >= self.kernel:
            raise InputError(f"{node.name}: a window that holds nothing but padding is not supported")
        self._end = size + self.before

    @property
    def divisors(self) -> list[int]:
        starts = (i * self.stride - self.before for i in range(self.n_outputs))
        return [min(start + self.kernel, self._end) - start for start in starts]


class _Inputs:
    """What an operator is given: layers, and parameters whose shapes are checked."""

    def __init__(self, node: Node, shapes: Mapping[str, Shape], index: Mapping[str, Entry]) -> None:
        self._node, self._shapes, self._index = node, shapes, index

    def layer(self, position: int = 0) -> Shape:
        name = self._node.input(position)
        if name not in self._shapes:
            raise InputError(f"{self._node.name}: its input {name!r} is a parameter, where a layer is expected")
        return self._shapes[name]

    def layers(self) -> list[Shape]:
        return [self.layer(position) for position in range(max(1, len(self._node.inputs)))]

    def map(self) -> tuple[int, int, int]:
        shape = self.layer()
        if len(shape) != 3:
            raise InputError(f"{self._node.name}: its input has the shape {shape}, where a map is expected")
        return shape[0], shape[1], shape[2]

    def check_parameter(self, position: int, shape: Shape) -> None:
        name = self._node.input(position)
        if name not in self._index:
            raise InputError(f"{self._node.name}: there are no values of {name!r}")
        if self._index[name].shape != shape:
            raise InputError(f"{name} has the shape {self._index[name].shape}, where {shape} is expected")


def _convolution(node: Node, inputs: _Inputs) -> Shape:
    channels, *sizes = inputs.map()
    if node.text("layout", "NCHW") not in ("NCHW", "None"):
        raise InputError(f"{node.name}: layout {node.text('layout', '')!r} is not supported")
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
        raise InputError(f"{node.name}: batch normalization over another axis than the channels is not supported")
    shape = inputs.layer()
    for position in range(1, 5):
        inputs.check_parameter(position, shape[:1])
    return shape


def _pooling(node: Node, inputs: _Inputs) -> Shape:
    channels, rows, columns = inputs.map()
    if node.text("pool_type", "max") not in ("max", "avg", "sum"):
        raise InputError(f"{node.name}: pool_type {node.text('pool_type', '')!r} is not supported")
    if node.flag("global_pool", False):
        return channels, 1, 1
    return channels, PoolAxis(node, 0, rows).n_outputs, PoolAxis(node, 1, columns).n_outputs


def _concat(node: Node, inputs: _Inputs) -> Shape:
    shapes = inputs.layers()
    if node.integer("dim", 1) != 1 or len({shape[1:] for shape in shapes}) > 1:
        raise InputError(f"{node.name}: {', '.join(map(str, shapes))} cannot be joined along the channels")
    return sum(shape[0] for shape in shapes), *shapes[0][1:]


def _elementwise(node: Node, inputs: _Inputs) -> Shape:
    shapes = inputs.layers()
    if len({len(shape) for shape in shapes}) > 1:
        raise InputError(f"{node.name}: {', '.join(map(str, shapes))} do not fit each other")
    shape = tuple(map(max, zip(*shapes)))
    if not all(n in (1, most) for each in shapes for n, most in zip(each, shape)):
        raise InputError(f"{node.name}: {', '.join(map(str, shapes))} do not fit each other")
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


#: How the shape of each operator's output follows from those of its inputs.
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
