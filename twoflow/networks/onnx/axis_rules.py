"""What operators do to the axes of a tensor: keep them, merge, move, window or reduce them.

Each rule takes a node, and what is known of the tensors before it. It returns the axes of the node's outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .axes import Axes, Axis, has, reshape, single, size, unknown
from .meanings import Found, Meanings
from .nodes import attribute, names_read
from .structure import Structure

if TYPE_CHECKING:
    from onnx import NodeProto


def lose(of: Meanings, node: NodeProto) -> Found:
    """Give up: nothing is known of the outputs but their shapes."""
    return [None] * len(node.output)


def suppose(of: Meanings, node: NodeProto) -> Found:
    """Suppose that an operator that is not known turns a map with the channels first into another such map.

    A loop, a branch and an operator of another domain are not looked into.
    """
    read = [of.of[name].axes for name in names_read(node) if name in of.of]
    if not any(len(axes) == 4 and has([axes[2]], "H") and has([axes[3]], "W") for axes in read):
        return lose(of, node)
    shapes = [of.structure.shapes.get(name) for name in node.output]
    return [
        tuple(map(single, " CHW", shape)) if shape is not None and len(shape) == 4 and shape[0] == 1 else None
        for shape in shapes
    ]


def keep(of: Meanings, node: NodeProto) -> Found:
    """Keep the axes of the first input."""
    return [of.axes(node.input[0])] * len(node.output)


def merge(of: Meanings, node: NodeProto) -> Found:
    """Combine the axes of all inputs, as broadcasting does."""
    return [broadcast(of, node.input, of.structure.shapes.get(name)) for name in node.output]


def merge_without_first(of: Meanings, node: NodeProto) -> Found:
    """Combine the axes of all inputs but the first, which is a condition."""
    return [broadcast(of, node.input[1:], of.structure.shapes.get(node.output[0]))]


def broadcast(of: Meanings, names: Sequence[str], shape: Sequence[int] | None) -> Axes | None:
    """Return the axes of a shape to which tensors are broadcast; the first known meaning counts."""
    if shape is None:
        return None
    result = list(unknown(shape))
    for name in names:
        axes = of.of[name].axes if name in of.of else ()
        for axis, i in zip(reversed(axes), range(len(shape) - 1, -1, -1)):
            if has([result[i]], "?") and not has([axis], "?") and size(axis) == shape[i]:
                result[i] = axis
    return tuple(result)


def reshape_axes(of: Meanings, node: NodeProto) -> Found:
    """Split and join the axes of the input."""
    axes, shape = of.axes(node.input[0]), of.structure.shapes.get(node.output[0])
    return [None if axes is None or shape is None else reshape(axes, shape)]


def transpose(of: Meanings, node: NodeProto) -> Found:
    """Put the axes in another order."""
    axes = of.axes(node.input[0])
    if axes is None:
        return [None]
    order = list(attribute(node, "perm").ints) or list(range(len(axes)))[::-1]
    return [tuple(axes[i] for i in order) if sorted(order) == list(range(len(axes))) else None]


def convolve(of: Meanings, node: NodeProto) -> Found:
    """Slide a window over rows and columns: the channels are new, and the positions may be fewer or more."""
    axes, shape = of.axes(node.input[0]), of.structure.shapes.get(node.output[0])
    if axes is None or shape is None or len(shape) < 3 or len(shape) != len(axes):
        return [None]
    letters = "HW" if len(shape) == 4 else "?" * (len(shape) - 2)
    spatial = [
        axis if size(axis) == n and not has([axis], "?") else single(letter if len(axis) < 2 else "?", n)
        for axis, n, letter in zip(axes[2:], shape[2:], letters)
    ]
    batch = axes[0] if size(axes[0]) == shape[0] else single("?", shape[0])
    return [(batch, single("C", shape[1]), *spatial)] * len(node.output)


def pool_window(of: Meanings, node: NodeProto) -> Found:
    """Slide a window over rows and columns, and keep the channels."""
    [found, *more] = convolve(of, node)
    axes = of.axes(node.input[0])
    if found is None or axes is None:
        return [found, *more]
    return [(found[0], axes[1], *found[2:]), *more]


def name_window(of: Meanings, node: NodeProto) -> str:
    """Decide whether a pool with a window covers every position once."""
    shape = (of.structure.shapes.get(node.input[0]) or [])[2:]
    is_padded = attribute(node, "auto_pad").s not in (b"", b"NOTSET", b"VALID") or any(attribute(node, "pads").ints)
    window = list(attribute(node, "kernel_shape").ints)
    is_all = len(window) == len(shape) and all(n >= side for n, side in zip(window, shape)) and not is_padded
    return {"AveragePool": "mean", "MaxPool": "max", "LpPool": "norm"}[node.op_type] if is_all else "window"


def pool_all(of: Meanings, node: NodeProto) -> Found:
    """Drop all positions."""
    axes = of.axes(node.input[0])
    return [None if axes is None else (*axes[:2], *[()] * (len(axes) - 2))]


def scale(of: Meanings, node: NodeProto) -> Found:
    """Change the number of rows, columns or channels, one axis at a time."""
    axes, shape = of.axes(node.input[0]), of.structure.shapes.get(node.output[0])
    if axes is None or shape is None or len(axes) != len(shape):
        return [None]
    return [tuple(resized(axis, n) for axis, n in zip(axes, shape))]


def resized(axis: Axis, n: int, step: int = 1) -> Axis:
    """Return an axis that has another length now: of one meaning if it had one, otherwise unknown."""
    if size(axis) == n:
        return axis
    if len(axis) == 1 and axis[0].letter in "CHW":
        return (axis[0]._replace(size=n, step=axis[0].step * step),) if n > 1 else ()
    return single("C" if has([axis], "C") and not has([axis], "HWP?") else "?", n)


def exchange_space(of: Meanings, node: NodeProto) -> Found:
    """Turn positions into channels, or channels into positions."""
    axes, shape = of.axes(node.input[0]), of.structure.shapes.get(node.output[0])
    if axes is None or shape is None or len(axes) != 4 or len(shape) != 4:
        return [None]
    return [(axes[0], single("C", shape[1]), *(resized(axis, n) for axis, n in zip(axes[2:], shape[2:])))]


def reduce(of: Meanings, node: NodeProto) -> Found:
    """Drop the axes that the node names."""
    axes = of.axes(node.input[0])
    if axes is None:
        return [None]
    reduced = _reduced_axes(of.structure, node, len(axes))
    if attribute(node, "keepdims").i or not attribute(node, "keepdims").name:
        return [tuple(() if i in reduced else axis for i, axis in enumerate(axes))]
    return [tuple(axis for i, axis in enumerate(axes) if i not in reduced)]


def _reduced_axes(structure: Structure, node: NodeProto, rank: int) -> set[int]:
    """Return the axes that a reduction names: in an attribute, or since opset 18 in its second input."""
    axes = list(attribute(node, "axes").ints) or [attribute(node, "axis").i] * bool(attribute(node, "axis").name)
    if len(node.input) > 1 and node.input[1]:
        if node.input[1] not in structure.integers:
            return set()
        axes = structure.integers[node.input[1]].ravel().tolist()
    if not axes and attribute(node, "noop_with_empty_axes").i:
        return set()
    return {axis % rank for axis in axes} if axes and rank else set(range(rank))
