"""Find the stages of a network: the blocks of a transformer by depth, the maps of a CNN by stride."""

from __future__ import annotations

from collections.abc import Sequence

from .layers import as_layer
from .meanings import Meanings
from .operators import ACTIVATIONS, NORMALIZING, NORMS, SUMS, WEIGHTED
from .structure import Stop

#: Operators that join branches.
_JOINS = (*SUMS, "Concat")


def find_blocks(meanings: Meanings, stops: Sequence[Stop]) -> list[str]:
    """Find the outputs of a transformer's blocks.

    A block begins where a branch leaves in which the positions see each other, as in attention, and ends where the next
    block begins. So the sum after the attention alone, before the dense layers, is none.

    Parameters
    ----------
    meanings : Meanings
    stops : sequence of Stop
        What every path from the image to the embedding passes.

    Returns
    -------
    list of str
        The tensors, in the order from the input to the output. Empty if the network is no transformer, or one whose
        blocks have maps of several sizes or are fewer than the other branches: its stages are those of a CNN.
    """
    mixing = [i for i, stop in enumerate(stops) if _grid(meanings, stop.name) and mixes(meanings, stop)]
    if not mixing or len({_grid(meanings, stops[i].name) for i in mixing}) > 1:
        return []
    joins = [i for i, stop in enumerate(stops) if is_sum(stop) and _grid(meanings, stop.name)]
    if 2 * len([i for i in joins if i >= mixing[0]]) < len(joins):
        return []
    ends = [i - 1 for i in mixing[1:]]
    per_block = len([i for i in joins if mixing[0] <= i <= ends[0]]) if ends else 2
    joined = [i for i in joins if i >= mixing[-1] and _same(meanings, stops[i], stops[mixing[-1]])][:per_block]
    last = joined[-1] if joined else mixing[-1]
    if ends:  # where the blocks before end with a normalization, the last one does too
        last += ends[0] - max([i for i in joins if i <= ends[0]], default=ends[0])
    ends.append(min(last, len(stops) - 1))
    names = [stops[i].name for i in ends if i >= 0]
    return [name for name in names if _grid(meanings, name)]


def find_stages(meanings: Meanings, stops: Sequence[Stop]) -> list[str]:
    """Find the last map of each size in a network whose maps become smaller.

    Parameters
    ----------
    meanings : Meanings
    stops : sequence of Stop
        What every path from the image to the embedding passes.

    Returns
    -------
    list of str
        The tensors, in the order from the input to the output. Where branches are joined, as in residual networks, it
        is the last join with its activation: what comes after it at this size prepares the next stage.
    """
    groups: list[list[int]] = []
    sizes: list[int] = []
    is_image = True
    for i, stop in enumerate(stops):
        layer = as_layer(meanings, stop.name)
        is_image = is_image and not any(node.op_type in WEIGHTED for node in (*stop.between, stop.node))
        if is_image or stop.node.op_type == "Pad" or layer is None:
            continue
        if layer.layer.positions is None or layer.layer.width < 2:
            continue
        size = layer.layer.positions[0] * layer.layer.positions[1]
        if not sizes or size < sizes[-1]:
            sizes.append(size)
            groups.append([])
        if size == sizes[-1]:
            groups[-1].append(i)
    return [stops[_end(stops, group)].name for group in groups]


def _end(stops: Sequence[Stop], group: Sequence[int]) -> int:
    joins = [i for i in group if stops[i].node.op_type in _JOINS and stops[i].between and _reads_stream(stops[i])]
    if not joins:
        return group[-1]
    end = joins[-1]
    while end + 1 in group and stops[end + 1].node.op_type in ACTIVATIONS and not stops[end + 1].between:
        end += 1
    return end


def follow_normalization(meanings: Meanings, stops: Sequence[Stop], i: int) -> int:
    """Return the last stop that only a normalization separates from stop `i`; `i` if there is none."""
    first = as_layer(meanings, stops[i].name)
    end, is_normalized = i, False
    for j in range(i + 1, len(stops)):
        operators = [node.op_type for node in (*stops[j].between, stops[j].node)]
        layer = as_layer(meanings, stops[j].name)
        if first is None or layer is None or layer.layer != first.layer or not set(operators) <= {*NORMALIZING}:
            break
        is_normalized = is_normalized or not {*NORMS}.isdisjoint(operators)
        end = j if is_normalized else end
    return end


def mixes(meanings: Meanings, stop: Stop) -> bool:
    """Return whether positions see each other, as in attention, between a stop and the one before."""
    return any(name in meanings.mixing for node in (*stop.between, stop.node) for name in node.output)


def is_sum(stop: Stop) -> bool:
    """Return whether a stop is the sum of the stream and a branch that has weights."""
    is_weighted = any(node.op_type in WEIGHTED for node in stop.between)
    return stop.node.op_type in SUMS and is_weighted


def _reads_stream(stop: Stop) -> bool:
    """Return whether a stop joins what has weights: not a gate, and no part of a normalization."""
    return stop.node.op_type == "Concat" or is_sum(stop)


def _grid(meanings: Meanings, name: str) -> tuple[int, int] | None:
    layer = as_layer(meanings, name)
    return None if layer is None else layer.layer.positions


def _same(meanings: Meanings, one: Stop, other: Stop) -> bool:
    a, b = as_layer(meanings, one.name), as_layer(meanings, other.name)
    return a is not None and b is not None and a.layer == b.layer
