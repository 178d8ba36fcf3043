"""What products of matrices do to axes: dense layers, attention, and weights for positions.

See `axis_rules` for what a rule is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .axes import Axis, has, single, size
from .meanings import Found, Meanings
from .nodes import attribute

if TYPE_CHECKING:
    from onnx import NodeProto


def multiply(of: Meanings, node: NodeProto) -> Found:
    """Multiply matrices: the last axis of the first and the last but one of the second vanish."""
    left, right = (of.axes(name) for name in node.input[:2])
    if left is None or right is None or len(left) < 2 or len(right) < 2:
        return [None]
    images = of.structure.images
    is_left, is_right = (name in images for name in node.input[:2])
    row, column = left[-2], right[-1]
    batch = _broadcast_axes(left[:-2], right[:-2])
    if is_left and is_right:
        of.mixing.add(node.output[0])
    elif is_left:
        column = single("C", size(column)) if has([left[-1]], "C") else _new_axis(of, node, left[-1], column)
    else:
        row = single("C", size(row)) if has([right[-2]], "C") else _new_axis(of, node, right[-2], row)
    return [(*batch, row, column)]


def _new_axis(of: Meanings, node: NodeProto, summed: Axis, free: Axis) -> Axis:
    """Return what constant weights make of an axis without channels: the same axis if it keeps its length.

    Weights between all positions, as in an MLP-Mixer, give one value for each position again.
    """
    if has([summed], "HWP"):
        of.mixing.add(node.output[0])
    return summed if size(summed) == size(free) and summed else free


def name_sum(of: Meanings, node: NodeProto) -> str:
    """Tell a dense layer, which sums over channels and positions alike, from weights for positions."""
    if all(name in of.structure.images for name in node.input[:2]):
        return "attention"
    is_left = node.input[0] in of.structure.images
    axes = of.axes(node.input[0 if is_left else 1]) or ()
    return "dense" if has([axes[-1 if is_left else -2:][0]], "C") else "weights"


def _broadcast_axes(one: Sequence[Axis], other: Sequence[Axis]) -> list[Axis]:
    n = max(len(one), len(other))
    pairs = zip([()] * (n - len(one)) + list(one), [()] * (n - len(other)) + list(other))
    return [b if not a or has([a], "?") and b else a for a, b in pairs]


def dense(of: Meanings, node: NodeProto) -> Found:
    """Apply a dense layer to rows, as Gemm does."""
    axes = of.axes(node.input[0])
    shape = of.structure.shapes.get(node.output[0])
    if axes is None or shape is None or len(axes) != 2 or len(shape) != 2:
        return [None]
    if node.input[0] not in of.structure.images:
        return [None]
    row = axes[1] if attribute(node, "transA").i else axes[0]
    return [(row, single("C", shape[1]))]


def project(of: Meanings, node: NodeProto) -> Found:
    """Attention as one operator: the tokens of the queries stay, their channels are new."""
    of.mixing.add(node.output[0])
    axes, shape = of.axes(node.input[0]), of.structure.shapes.get(node.output[0])
    if axes is None or shape is None or len(axes) != len(shape):
        return [None] * len(node.output)
    kept = [axis if size(axis) == n else single("?", n) for axis, n in zip(axes[:-1], shape[:-1])]
    return [(*kept, single("C", shape[-1])), *[None] * (len(node.output) - 1)]


def sum_products(of: Meanings, node: NodeProto) -> Found:
    """Einsum: each letter of the output takes the meaning that it has in an input."""
    text = attribute(node, "equation").s.decode(errors="replace").replace(" ", "")
    shape = of.structure.shapes.get(node.output[0])
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if shape is None or not arrow or "." in text or len(terms) != len(node.input) or len(output) != len(shape):
        return [None]
    letters: dict[str, Axis] = {}
    for term, name in zip(terms, node.input):
        axes = of.axes(name)
        if axes is None or len(axes) != len(term):
            return [None]
        for letter, axis in zip(term, axes):
            if letter not in letters or has([letters[letter]], "?"):
                letters[letter] = axis
    summed = [letters[letter] for letter in sorted({*letters} - {*output})]
    images = [name for name in node.input if name in of.structure.images]
    if len(images) > 1 and summed or has(summed, "HWP"):
        of.mixing.add(node.output[0])
    result = [letters.get(letter, ()) for letter in output]
    if has(summed, "C") and len(images) == 1:
        result = [single("C", size(axis)) if has([axis], "?") else axis for axis in result]
    return [tuple(result)]
