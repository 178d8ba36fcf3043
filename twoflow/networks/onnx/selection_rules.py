"""What operators do to an axis that they put together or take apart: concatenation, slices, single tokens.

See `axis_rules` for what a rule is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .axes import Atom, Axis, has, join, read_map, single, size, unknown
from .axis_rules import broadcast, resized
from .meanings import POOLS, Found, Meanings
from .nodes import attribute
from .structure import Structure

if TYPE_CHECKING:
    from onnx import NodeProto


def concatenate(of: Meanings, node: NodeProto) -> Found:
    """Put the inputs behind each other along one axis."""
    shape = of.structure.shapes.get(node.output[0])
    parts = [of.axes(name) for name in node.input]
    if shape is None or any(axes is None or len(axes) != len(shape) for axes in parts):
        return [None]
    along = attribute(node, "axis").i % len(shape)
    columns = [axes[along] for axes in parts if axes is not None]
    placed = [i for i, axis in enumerate(columns) if has([axis], "HWP")]
    result = list(broadcast(of, node.input, shape) or unknown(shape))
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
    more = sum(size(axis) for axis in columns[:i])
    if positions[0].letter == "P":
        return (positions[0]._replace(size=n, before=positions[0].before + more),)
    found = read_map((positions,))
    return single("?", n) if found is None else (Atom("P", n, before=more, grid=found.grid),)


def slice_(of: Meanings, node: NodeProto) -> Found:
    """Keep a part of the axes that the node names."""
    axes, shape = of.axes(node.input[0]), of.structure.shapes.get(node.output[0])
    if axes is None or shape is None or len(axes) != len(shape):
        return [None]
    starts = _slice_starts(of.structure, node, [size(axis) for axis in axes])
    return [tuple(
        _part(axis, *starts.get(i, (None, 1)), n) for i, (axis, n) in enumerate(zip(axes, shape))
    )]


def _slice_starts(structure: Structure, node: NodeProto, lengths: Sequence[int]) -> dict[int, tuple[int | None, int]]:
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
    if size(axis) == n and step > 0:
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
    return resized(axis, n, step) if step > 0 else single("?", n)


def _axis(letter: str, n: int, step: int) -> Axis:
    return (Atom(letter, n, step),) if n > 1 else ()


def split(of: Meanings, node: NodeProto) -> Found:
    """Divide one axis among the outputs."""
    axes = of.axes(node.input[0])
    if axes is None:
        return [None] * len(node.output)
    along, start, found = attribute(node, "axis").i % len(axes), 0, []
    for name in node.output:
        shape = of.structure.shapes.get(name)
        if shape is None or len(shape) != len(axes):
            return [None] * len(node.output)
        found.append((*axes[:along], _part(axes[along], start, 1, shape[along]), *axes[along + 1:]))
        start += shape[along]
    return found


def gather(of: Meanings, node: NodeProto) -> Found:
    """Take some places of one axis."""
    axes, indices = of.axes(node.input[0]), of.structure.shapes.get(node.input[1])
    if axes is None or indices is None or node.input[0] not in of.structure.images:
        return [None]
    along = attribute(node, "axis").i % len(axes)
    taken = list(unknown(indices))
    if len(indices) == 1 and not has([axes[along]], "HWP"):
        taken = [resized(axes[along], indices[0])]
    return [(*axes[:along], *taken, *axes[along + 1:])]


def name_token(of: Meanings, node: NodeProto) -> str:
    """Name the token that a node selects."""
    axes = of.axes(node.input[0]) or ()
    if node.op_type == "Gather":
        index = of.structure.integers.get(node.input[1])
        n = size(axes[attribute(node, "axis").i % len(axes)]) if axes else 1
        return f"token {int(index.ravel()[0]) % n}" if index is not None and index.size == 1 else "tokens"
    starts = _slice_starts(of.structure, node, [size(axis) for axis in axes])
    places = [starts[i][0] for i, axis in enumerate(axes) if has([axis], "HWP") and i in starts]
    return f"token {places[0]}" if len(places) == 1 and places[0] is not None else "tokens"
