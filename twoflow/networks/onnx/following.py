"""Follow the axes of the image through an ONNX graph, operator by operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .axes import Atom, Axes, has, has_positions, read_map, size, unknown
from .axis_rules import (
    convolve,
    exchange_space,
    keep,
    lose,
    merge,
    merge_without_first,
    name_window,
    pool_all,
    pool_window,
    reduce,
    reshape_axes,
    scale,
    suppose,
    transpose,
)
from .meanings import Found, Meaning, Meanings
from .product_rules import dense, multiply, name_sum, project, sum_products
from .selection_rules import concatenate, gather, name_token, slice_, split
from .structure import Structure

if TYPE_CHECKING:
    from onnx import NodeProto

#: What a node does to the axes; see `axis_rules`.
Rule = Callable[[Meanings, "NodeProto"], Found]


def follow_axes(structure: Structure) -> Meanings:
    """Find what each tensor of a graph means, from the image to the outputs.

    Parameters
    ----------
    structure : Structure

    Returns
    -------
    Meanings
    """
    meanings = Meanings(structure)
    for node in structure.nodes:
        _follow(meanings, node)
    return meanings


def _follow(meanings: Meanings, node: NodeProto) -> None:
    shapes = meanings.structure.shapes
    if not any(name in meanings.structure.images for name in node.output):
        return
    rule, name_loss = _RULES.get(node.op_type, (suppose, "unknown"))
    found = rule(meanings, node) if node.domain in _DOMAINS else suppose(meanings, node)
    read = [meanings.of[name] for name in node.input if name in meanings.of]
    had_positions = any(has_positions(meaning.axes) for meaning in read)
    for name, axes in zip(node.output, found):
        if not name or name not in shapes:
            continue
        if axes is None or [size(axis) for axis in axes] != shapes[name]:
            axes = unknown(shapes[name])
        axes = _count(meanings, node, axes)
        taken: frozenset[str] = frozenset()
        if not has_positions(axes):
            kind = name_loss(meanings, node) if callable(name_loss) else name_loss
            before = [meaning.taken for meaning in read if not has_positions(meaning.axes)]
            taken = frozenset([kind]) if had_positions else frozenset().union(*before)
        meanings.of[name] = Meaning(axes, taken)


def _count(meanings: Meanings, node: NodeProto, axes: Axes) -> Axes:
    """Take an unknown axis that is a little longer than the positions before it for tokens and these positions."""
    if not has(axes, "?") or len(axes) != 3 or node.op_type in _PART:
        return axes
    known = [meanings.of[name].axes for name in node.input if name in meanings.of]
    if sum(map(has_positions, known)) > 1:
        return axes  # two maps side by side
    read = next(iter(known), ())
    if len(read) != 3:
        return axes
    result = list(axes)
    for i, (old, new) in enumerate(zip(read, axes)):
        found = read_map((old,)) if has([old], "HW") else None
        more = size(new) - size(old)
        if found is not None and has([new], "?") and 0 < more <= _MOST_TOKENS:
            meanings.is_counted = True
            result[i] = (Atom("P", size(new), before=more, grid=found.grid),)
    return tuple(result)


#: How many tokens that are no positions may be recognized by their count alone: a class token and 16 registers.
_MOST_TOKENS = 17
#: Operators that leave positions out, or give them another order.
_PART = ("Slice", "Gather", "Split", "TopK", "MatMul", "Gemm")
#: The domains whose operators are known.
_DOMAINS = ("", "ai.onnx", "com.microsoft")

#: Operators that keep the axes of their first input.
_KEEPING = (
    "Abs", "BatchNormalization", "Cast", "CastLike", "Ceil", "Celu", "Clip", "Cos", "DequantizeLinear", "Dropout",
    "Elu", "Erf", "Exp", "FastGelu", "Floor", "Gelu", "GroupNorm", "GroupNormalization", "HardSigmoid", "HardSwish",
    "Hardmax", "Identity", "InstanceNormalization", "IsNaN", "LRN", "LayerNormalization", "LeakyRelu", "Log",
    "LogSoftmax", "LpNormalization", "MeanVarianceNormalization", "Mish", "Neg", "Not", "PRelu", "QuantizeLinear",
    "QuickGelu", "RMSNormalization", "Reciprocal", "Relu", "RotaryEmbedding", "Round", "ScatterElements", "ScatterND",
    "Selu", "Sigmoid", "Sign", "SimplifiedLayerNormalization", "Sin", "Softmax", "Softplus", "Softsign", "Sqrt",
    "Swish", "Tanh", "ThresholdedRelu", "Trilu",
)
#: Operators that combine their inputs by broadcasting.
_MERGING = (
    "Add", "And", "BiasGelu", "BiasSplitGelu", "Div", "Equal", "Expand", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual", "Max", "Mean", "Min", "Mod", "Mul", "Or", "Pow", "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization", "Sub", "Sum", "Xor",
)
#: For each operator: how the meaning of its input becomes that of its output, and what it is called if the positions of
#: the image vanish in it.
_RULES: dict[str, tuple[Rule, str | Callable[[Meanings, NodeProto], str]]] = {
    **dict.fromkeys(_KEEPING, (keep, "unknown")),
    **dict.fromkeys(_MERGING, (merge, "unknown")),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), (reshape_axes, "unknown")),
    **dict.fromkeys(("Conv", "ConvTranspose", "ConvInteger", "FusedConv", "QLinearConv"), (convolve, "dense")),
    **dict.fromkeys(("AveragePool", "MaxPool", "LpPool"), (pool_window, name_window)),
    "ReduceMean": (reduce, "mean"),
    **dict.fromkeys(("ReduceSum", "ReduceLogSumExp"), (reduce, "sum")),
    "ReduceMax": (reduce, "max"),
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceSumSquare"), (reduce, "norm")),
    **dict.fromkeys(("ReduceMin", "ReduceProd"), (reduce, "unknown")),
    **dict.fromkeys(("ArgMax", "ArgMin"), (lose, "unknown")),
    "GlobalAveragePool": (pool_all, "mean"),
    "GlobalMaxPool": (pool_all, "max"),
    "GlobalLpPool": (pool_all, "norm"),
    "Where": (merge_without_first, "unknown"),
    "Transpose": (transpose, "unknown"),
    **dict.fromkeys(("Pad", "Resize", "Upsample"), (scale, "window")),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), (exchange_space, "window")),
    **dict.fromkeys(("MatMul", "FusedMatMul", "MatMulInteger"), (multiply, name_sum)),
    "Einsum": (sum_products, name_sum),
    "Gemm": (dense, "dense"),
    **dict.fromkeys(("Attention", "MultiHeadAttention", "QAttention", "PackedAttention"), (project, "attention")),
    "Concat": (concatenate, "unknown"),
    "Slice": (slice_, name_token),
    "Split": (split, "tokens"),
    "Gather": (gather, name_token),
}
