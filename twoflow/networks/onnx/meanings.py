"""Follow the axes of the image through an ONNX graph, operator by operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .axes import Atom, Axes, Axis, has, has_positions, join, read_map, reshape, single, unknown
from .nodes import attribute, names_read
from .structure import Structure

if TYPE_CHECKING:
    from onnx import NodeProto

#: How positions can vanish that count as a pool.
POOLS = {
    "mean": "the mean over all positions",
    "max": "the largest value over all positions",
    "sum": "the sum over all positions",
    "norm": "a norm over all positions",
    "weights": "a weighted sum over all positions, with fixed weights",
}
#: The same for the selection of the first token.
CLASS_TOKEN = "token 0"


class Meaning(NamedTuple):
    """What is known of a tensor.

    Attributes
    ----------
    axes : Axes
    taken : frozenset of str
        How the positions of the image vanished, if they have: keys of `POOLS`, "token 0" and the like, "attention",
        "dense", "window". Empty while there are positions.
    """

    axes: Axes
    taken: frozenset[str] = frozenset()


class Meanings:
    """What each tensor of a graph means.

    Parameters
    ----------
    structure : Structure

    Attributes
    ----------
    of : dict of str to Meaning
        By the name of the tensor. Tensors of unknown shape are left out.
    is_counted : bool
        Whether class tokens were recognized by their count alone, because an unknown operator adds them.
    mixing : set of str
        The outputs of the nodes that let the positions of the image see each other, as attention does.
    """

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.mixing: set[str] = set()
        self.is_counted = False
        source = structure.source
        image = tuple(single(letter, size) for letter, size in zip(" CHW", structure.shapes[source]))
        self.of = {source: Meaning(image)}
        for node in structure.nodes:
            self._follow(node)

    def axes(self, name: str) -> Axes | None:
        """Return the axes of a tensor; None if not even its shape is known."""
        if name in self.of:
            return self.of[name].axes
        shape = self.structure.shape(name)
        return None if shape is None else unknown(shape)

    def _follow(self, node: NodeProto) -> None:
        shapes = self.structure.shapes
        if not any(name in self.structure.images for name in node.output):
            return
        rule, vanish = _RULES.get(node.op_type, (_suppose, "unknown"))
        found = rule(self, node) if node.domain in _DOMAINS else _suppose(self, node)
        read = [self.of[name] for name in node.input if name in self.of]
        had_positions = any(has_positions(meaning.axes) for meaning in read)
        for name, axes in zip(node.output, found):
            if not name or name not in shapes:
                continue
            if axes is None or [_length(axis) for axis in axes] != shapes[name]:
                axes = unknown(shapes[name])
            axes = self._count(node, axes)
            taken: frozenset[str] = frozenset()
            if not has_positions(axes):
                kind = vanish(self, node) if callable(vanish) else vanish
                before = [meaning.taken for meaning in read if not has_positions(meaning.axes)]
                taken = frozenset([kind]) if had_positions else frozenset().union(*before)
            self.of[name] = Meaning(axes, taken)

    def _count(self, node: NodeProto, axes: Axes) -> Axes:
        """Take an unknown axis that is a little longer than the positions before it for tokens and these positions."""
        if not has(axes, "?") or len(axes) != 3 or node.op_type in _PART:
            return axes
        known = [self.of[name].axes for name in node.input if name in self.of]
        if sum(map(has_positions, known)) > 1:
            return axes  # two maps side by side
        read = next(iter(known), ())
        if len(read) != 3:
            return axes
        result = list(axes)
        for i, (old, new) in enumerate(zip(read, axes)):
            found = read_map((old,)) if has([old], "HW") else None
            more = _length(new) - _length(old)
            if found is not None and has([new], "?") and 0 < more <= _MOST_TOKENS:
                self.is_counted = True
                result[i] = (Atom("P", _length(new), before=more, grid=found.grid),)
        return tuple(result)


#: How many tokens that are no positions may be recognized by their count alone: a class token and 16 registers.
_MOST_TOKENS = 17
#: Operators that leave positions out, or give them another order.
_PART = ("Slice", "Gather", "Split", "TopK", "MatMul", "Gemm")

Found = Sequence[Axes | None]
Rule = Callable[[Meanings, "NodeProto"], Found]


def _length(axis: Axis) -> int:
    n = 1
    for atom in axis:
        n *= atom.size
    return n


def _lose(of: Meanings, node: NodeProto) -> Found:
    """Give up: nothing is known of the outputs but their shapes."""
    return [None] * len(node.output)


def _suppose(of: Meanings, node: NodeProto) -> Found:
    """Suppose that an operator that is not known turns a map with the channels first into another such map.

    A loop, a branch and an operator of another domain are not looked into.
    """
    read = [of.of[name].axes for name in names_read(node) if name in of.of]
    if not any(len(axes) == 4 and has([axes[2]], "H") and has([axes[3]], "W") for axes in read):
        return _lose(of, node)
    shapes = [of.structure.shape(name) for name in node.output]
    return [
        tuple(map(single, " CHW", shape)) if shape is not None and len(shape) == 4 and shape[0] == 1 else None
        for shape in shapes
    ]


def _keep(of: Meanings, node: NodeProto) -> Found:
    """Keep the axes of the first input."""
    return [of.axes(node.input[0])] * len(node.output)


def _merge(of: Meanings, node: NodeProto) -> Found:
    """Combine the axes of all inputs, as broadcasting does."""
    return [_broadcast(of, node.input, of.structure.shape(name)) for name in node.output]


def _merge_without_first(of: Meanings, node: NodeProto) -> Found:
    return [_broadcast(of, node.input[1:], of.structure.shape(node.output[0]))]


def _broadcast(of: Meanings, names: Sequence[str], shape: Sequence[int] | None) -> Axes | None:
    if shape is None:
        return None
    result = list(unknown(shape))
    for name in names:
        axes = of.of[name].axes if name in of.of else ()
        for axis, i in zip(reversed(axes), range(len(shape) - 1, -1, -1)):
            if has([result[i]], "?") and not has([axis], "?") and _length(axis) == shape[i]:
                result[i] = axis
    return tuple(result)


def _reshape(of: Meanings, node: NodeProto) -> Found:
    axes, shape = of.axes(node.input[0]), of.structure.shape(node.output[0])
    return [None if axes is None or shape is None else reshape(axes, shape)]


def _transpose(of: Meanings, node: NodeProto) -> Found:
    axes = of.axes(node.input[0])
    if axes is None:
        return [None]
    order = list(attribute(node, "perm").ints) or list(range(len(axes)))[::-1]
    return [tuple(axes[i] for i in order) if sorted(order) == list(range(len(axes))) else None]


def _convolve(of: Meanings, node: NodeProto) -> Found:
    """Slide a window over rows and columns: the channels are new, and the positions may be fewer or more."""
    axes, shape = of.axes(node.input[0]), of.structure.shape(node.output[0])
    if axes is None or shape is None or len(shape) < 3 or len(shape) != len(axes):
        return [None]
    letters = "HW" if len(shape) == 4 else "?" * (len(shape) - 2)
    spatial = [
        axis if _length(axis) == n and not has([axis], "?") else single(letter if len(axis) < 2 else "?", n)
        for axis, n, letter in zip(axes[2:], shape[2:], letters)
    ]
    batch = axes[0] if _length(axes[0]) == shape[0] else single("?", shape[0])
    return [(batch, single("C", shape[1]), *spatial)] * len(node.output)


def _pool_window(of: Meanings, node: NodeProto) -> Found:
    [found, *more] = _convolve(of, node)
    axes = of.axes(node.input[0])
    if found is None or axes is None:
        return [found, *more]
    return [(found[0], axes[1], *found[2:]), *more]


def _pool_all(of: Meanings, node: NodeProto) -> Found:
    axes = of.axes(node.input[0])
    return [None if axes is None else (*axes[:2], *[()] * (len(axes) - 2))]


def _scale(of: Meanings, node: NodeProto) -> Found:
    """Change the number of rows, columns or channels, one axis at a time."""
    axes, shape = of.axes(node.input[0]), of.structure.shape(node.output[0])
    if axes is None or shape is None or len(axes) != len(shape):
        return [None]
    return [tuple(_resized(axis, n) for axis, n in zip(axes, shape))]


def _resized(axis: Axis, n: int, step: int = 1) -> Axis:
    """Return an axis that has another length now: of one meaning if it had one, otherwise unknown."""
    if _length(axis) == n:
        return axis
    if len(axis) == 1 and axis[0].letter in "CHW":
        return (axis[0]._replace(size=n, step=axis[0].step * step),) if n > 1 else ()
    return single("C" if has([axis], "C") and not has([axis], "HWP?") else "?", n)


def _exchange_space(of: Meanings, node: NodeProto) -> Found:
    axes, shape = of.axes(node.input[0]), of.structure.shape(node.output[0])
    if axes is None or shape is None or len(axes) != 4 or len(shape) != 4:
        return [None]
    return [(axes[0], single("C", shape[1]), *(_resized(axis, n) for axis, n in zip(axes[2:], shape[2:])))]


def _reduce(of: Meanings, node: NodeProto) -> Found:
    axes = of.axes(node.input[0])
    if axes is None:
        return [None]
    reduced = reduced_axes(of.structure, node, len(axes))
    if attribute(node, "keepdims").i or not attribute(node, "keepdims").name:
        return [tuple(() if i in reduced else axis for i, axis in enumerate(axes))]
    return [tuple(axis for i, axis in enumerate(axes) if i not in reduced)]


def reduced_axes(structure: Structure, node: NodeProto, rank: int) -> set[int]:
    """Return the axes that a reduction names: in an attribute, or since opset 18 in its second input."""
    axes = list(attribute(node, "axes").ints) or [attribute(node, "axis").i] * bool(attribute(node, "axis").name)
    if len(node.input) > 1 and node.input[1]:
        if node.input[1] not in structure.integers:
            return set()
        axes = structure.integers[node.input[1]].ravel().tolist()
    if not axes and attribute(node, "noop_with_empty_axes").i:
        return set()
    return {axis % rank for axis in axes} if axes and rank else set(range(rank))


def _multiply(of: Meanings, node: NodeProto) -> Found:
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
        column = single("C", _length(column)) if has([left[-1]], "C") else _new_axis(of, node, left[-1], column)
    else:
        row = single("C", _length(row)) if has([right[-2]], "C") else _new_axis(of, node, right[-2], row)
    return [(*batch, row, column)]


def _new_axis(of: Meanings, node: NodeProto, summed: Axis, free: Axis) -> Axis:
    """Return what constant weights make of an axis without channels: the same axis if it keeps its length.

    Weights between all positions, as in an MLP-Mixer, give one value for each position again.
    """
    if has([summed], "HWP"):
        of.mixing.add(node.output[0])
    return summed if _length(summed) == _length(free) and summed else free


def _sum_kind(of: Meanings, node: NodeProto) -> str:
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


def _dense(of: Meanings, node: NodeProto) -> Found:
    """Gemm."""
    axes = of.axes(node.input[0])
    shape = of.structure.shape(node.output[0])
    if axes is None or shape is None or len(axes) != 2 or len(shape) != 2:
        return [None]
    if node.input[0] not in of.structure.images:
        return [None]
    row = axes[1] if attribute(node, "transA").i else axes[0]
    return [(row, single("C", shape[1]))]


def _project(of: Meanings, node: NodeProto) -> Found:
    """Attention as one operator: the tokens of the queries stay, their channels are new."""
    of.mixing.add(node.output[0])
    axes, shape = of.axes(node.input[0]), of.structure.shape(node.output[0])
    if axes is None or shape is None or len(axes) != len(shape):
        return [None] * len(node.output)
    kept = [axis if _length(axis) == n else single("?", n) for axis, n in zip(axes[:-1], shape[:-1])]
    return [(*kept, single("C", shape[-1])), *[None] * (len(node.output) - 1)]


def _sum_products(of: Meanings, node: NodeProto) -> Found:
    """Einsum: each letter of the output takes the meaning that it has in an input."""
    text = attribute(node, "equation").s.decode(errors="replace").replace(" ", "")
    shape = of.structure.shape(node.output[0])
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
        result = [single("C", _length(axis)) if has([axis], "?") else axis for axis in result]
    return [tuple(result)]


def _concatenate(of: Meanings, node: NodeProto) -> Found:
    shape = of.structure.shape(node.output[0])
    parts = [of.axes(name) for name in node.input]
    if shape is None or any(axes is None or len(axes) != len(shape) for axes in parts):
        return [None]
    along = attribute(node, "axis").i % len(shape)
    columns = [axes[along] for axes in parts if axes is not None]
    placed = [i for i, axis in enumerate(columns) if has([axis], "HWP")]
    result = list(_broadcast(of, node.input, shape) or unknown(shape))
    if not placed:
        result[along] = single("C" if has(columns, "C") else "?", shape[along])
    elif len(placed) == 1 and not has(columns, "C") and _are_tokens(of, node, placed[0]):
        result[along] = _with_tokens(columns, placed[0], shape[along])
    elif all(has([axis], "C") for axis in columns):
        result[along] = join(atom for axis in columns[:1] for atom in single("C", shape[along]))
    else:
        result[along] = single("?", shape[along])
    return [tuple(result)]


def _are_tokens(of: Meanings, node: NodeProto, placed: int) -> bool:
    """Return whether what is put beside positions are tokens: the network's own, or pools of the positions."""
    others = [of.of[name].taken for i, name in enumerate(node.input) if i != placed and name in of.of]
    return all(kind in POOLS or kind.startswith("token") for taken in others for kind in taken)


def _with_tokens(columns: Sequence[Axis], i: int, n: int) -> Axis:
    """Return the axis of positions after class tokens and registers have been put before and behind them."""
    positions = columns[i]
    more = sum(_length(axis) for axis in columns[:i])
    if positions[0].letter == "P":
        return (positions[0]._replace(size=n, before=positions[0].before + more),)
    found = read_map((positions,))
    return single("?", n) if found is None else (Atom("P", n, before=more, grid=found.grid),)


def _slice(of: Meanings, node: NodeProto) -> Found:
    axes, shape = of.axes(node.input[0]), of.structure.shape(node.output[0])
    if axes is None or shape is None or len(axes) != len(shape):
        return [None]
    starts = slice_starts(of.structure, node, [_length(axis) for axis in axes])
    return [tuple(
        _part(axis, *starts.get(i, (None, 1)), n) for i, (axis, n) in enumerate(zip(axes, shape))
    )]


def slice_starts(structure: Structure, node: NodeProto, lengths: Sequence[int]) -> dict[int, tuple[int | None, int]]:
    """Return the start and the step of a Slice for each axis that it names; the start is None if it is unknown."""
    rank = len(lengths)
    if len(node.input) < 2:
        starts, axes = list(attribute(node, "starts").ints), list(attribute(node, "axes").ints)
        steps = [1] * len(starts)
    else:
        read = [structure.integers.get(name) for name in node.input[1:]] + [None] * 4
        starts, _, axes, steps = [[] if each is None else each.ravel().tolist() for each in read[:4]]
    axes = axes or list(range(len(starts)))
    steps = steps or [1] * len(axes)
    found: dict[int, tuple[int | None, int]] = {}
    for i, axis in enumerate(axes[:len(steps)]):
        if not -rank <= axis < rank:
            continue
        start = starts[i] if i < len(starts) else None
        n = lengths[axis % rank]
        found[axis % rank] = (None if start is None else max(start + n, 0) if start < 0 else min(start, n), steps[i])
    return found


def _part(axis: Axis, start: int | None, step: int, n: int) -> Axis:
    """Return what is left of an axis when `n` of it are taken, from `start` on."""
    if _length(axis) == n and step > 0:
        return axis
    if len(axis) == 1 and axis[0].letter == "P" and start is not None and step == 1:
        tokens = axis[0]
        rows, columns = tokens.grid
        before, end = tokens.before - start, start + n
        if start == tokens.before and n == rows * columns:
            return (*_axis("H", rows, columns), *_axis("W", columns, 1))
        if before >= 0 and end >= tokens.before + rows * columns:
            return (tokens._replace(size=n, before=before),)
        return single("?", n)
    return _resized(axis, n, step) if step > 0 else single("?", n)


def _axis(letter: str, n: int, step: int) -> Axis:
    return (Atom(letter, n, step),) if n > 1 else ()


def _split(of: Meanings, node: NodeProto) -> Found:
    axes = of.axes(node.input[0])
    if axes is None:
        return [None] * len(node.output)
    along, start, found = attribute(node, "axis").i % len(axes), 0, []
    for name in node.output:
        shape = of.structure.shape(name)
        if shape is None or len(shape) != len(axes):
            return [None] * len(node.output)
        found.append((*axes[:along], _part(axes[along], start, 1, shape[along]), *axes[along + 1:]))
        start += shape[along]
    return found


def _gather(of: Meanings, node: NodeProto) -> Found:
    axes, indices = of.axes(node.input[0]), of.structure.shape(node.input[1])
    if axes is None or indices is None or node.input[0] not in of.structure.images:
        return [None]
    along = attribute(node, "axis").i % len(axes)
    taken = list(unknown(indices))
    if len(indices) == 1 and not has([axes[along]], "HWP"):
        taken = [_resized(axes[along], indices[0])]
    return [(*axes[:along], *taken, *axes[along + 1:])]


def _which_token(of: Meanings, node: NodeProto) -> str:
    """Name the token that a node selects."""
    axes = of.axes(node.input[0]) or ()
    if node.op_type == "Gather":
        index = of.structure.integers.get(node.input[1])
        n = _length(axes[attribute(node, "axis").i % len(axes)]) if axes else 1
        return f"token {int(index.ravel()[0]) % n}" if index is not None and index.size == 1 else "tokens"
    starts = slice_starts(of.structure, node, [_length(axis) for axis in axes])
    places = [starts[i][0] for i, axis in enumerate(axes) if has([axis], "HWP") and i in starts]
    return f"token {places[0]}" if len(places) == 1 and places[0] is not None else "tokens"


def _window_kind(of: Meanings, node: NodeProto) -> str:
    """Decide whether a pool with a window covers every position once."""
    shape = (of.structure.shape(node.input[0]) or [])[2:]
    is_padded = attribute(node, "auto_pad").s not in (b"", b"NOTSET", b"VALID") or any(attribute(node, "pads").ints)
    window = list(attribute(node, "kernel_shape").ints)
    is_all = len(window) == len(shape) and all(n >= side for n, side in zip(window, shape)) and not is_padded
    return {"AveragePool": "mean", "MaxPool": "max", "LpPool": "norm"}[node.op_type] if is_all else "window"


_DOMAINS = ("", "ai.onnx", "com.microsoft")

_KEEPING = (
    "Abs", "BatchNormalization", "Cast", "CastLike", "Ceil", "Celu", "Clip", "Cos", "DequantizeLinear", "Dropout",
    "Elu", "Erf", "Exp", "FastGelu", "Floor", "Gelu", "GroupNorm", "GroupNormalization", "HardSigmoid", "HardSwish",
    "Hardmax", "Identity", "InstanceNormalization", "IsNaN", "LRN", "LayerNormalization", "LeakyRelu", "Log",
    "LogSoftmax", "LpNormalization", "MeanVarianceNormalization", "Mish", "Neg", "Not", "PRelu", "QuantizeLinear",
    "QuickGelu", "RMSNormalization", "Reciprocal", "Relu", "RotaryEmbedding", "Round", "ScatterElements", "ScatterND",
    "Selu", "Sigmoid", "Sign", "SimplifiedLayerNormalization", "Sin", "Softmax", "Softplus", "Softsign", "Sqrt",
    "Swish", "Tanh", "ThresholdedRelu", "Trilu",
)
_MERGING = (
    "Add", "And", "BiasGelu", "BiasSplitGelu", "Div", "Equal", "Expand", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual", "Max", "Mean", "Min", "Mod", "Mul", "Or", "Pow", "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization", "Sub", "Sum", "Xor",
)
#: For each operator: how the meaning of its input becomes that of its output, and what it is called if the positions of
#: the image vanish in it.
_RULES: dict[str, tuple[Rule, str | Callable[[Meanings, NodeProto], str]]] = {
    **dict.fromkeys(_KEEPING, (_keep, "unknown")),
    **dict.fromkeys(_MERGING, (_merge, "unknown")),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), (_reshape, "unknown")),
    **dict.fromkeys(("Conv", "ConvTranspose", "ConvInteger", "FusedConv", "QLinearConv"), (_convolve, "dense")),
    **dict.fromkeys(("AveragePool", "MaxPool", "LpPool"), (_pool_window, _window_kind)),
    "ReduceMean": (_reduce, "mean"),
    **dict.fromkeys(("ReduceSum", "ReduceLogSumExp"), (_reduce, "sum")),
    "ReduceMax": (_reduce, "max"),
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceSumSquare"), (_reduce, "norm")),
    **dict.fromkeys(("ReduceMin", "ReduceProd"), (_reduce, "unknown")),
    **dict.fromkeys(("ArgMax", "ArgMin"), (_lose, "unknown")),
    "GlobalAveragePool": (_pool_all, "mean"),
    "GlobalMaxPool": (_pool_all, "max"),
    "GlobalLpPool": (_pool_all, "norm"),
    "Where": (_merge_without_first, "unknown"),
    "Transpose": (_transpose, "unknown"),
    **dict.fromkeys(("Pad", "Resize", "Upsample"), (_scale, "window")),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), (_exchange_space, "window")),
    **dict.fromkeys(("MatMul", "FusedMatMul", "MatMulInteger"), (_multiply, _sum_kind)),
    "Einsum": (_sum_products, _sum_kind),
    "Gemm": (_dense, "dense"),
    **dict.fromkeys(("Attention", "MultiHeadAttention", "QAttention", "PackedAttention"), (_project, "attention")),
    "Concat": (_concatenate, "unknown"),
    "Slice": (_slice, _which_token),
    "Split": (_split, "tokens"),
    "Gather": (_gather, _which_token),
}
