"""What the nodes of an ONNX graph read, including the graphs inside them, and their attributes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, NodeProto


def attribute(node: NodeProto, name: str) -> AttributeProto:
    """Return an attribute of a node, or an empty one if the node has none of that name."""
    from onnx import AttributeProto

    return next((each for each in node.attribute if each.name == name), AttributeProto())


def bodies(node: NodeProto) -> Iterator[GraphProto]:
    """Yield the graphs inside a node, such as the branches of an If and the body of a Loop."""
    for each in node.attribute:
        if each.HasField("g"):
            yield each.g
        yield from each.graphs


def names_read(node: NodeProto) -> Collection[str]:
    """Return the names of all values that a node reads, including those that the graphs inside it read."""
    return {*node.input, *(name for body in bodies(node) for inner in body.node for name in names_read(inner)),
            *(value.name for body in bodies(node) for value in body.output)}


def find_needed(nodes: Sequence[NodeProto], targets: Iterable[str]) -> tuple[list[NodeProto], set[str]]:
    """Find what some values are computed from.

    Parameters
    ----------
    nodes : sequence of NodeProto
        In an order in which every node comes after the nodes that compute its inputs.
    targets : iterable of str
        Names of values.

    Returns
    -------
    list of NodeProto
        The nodes that compute them, in the same order.
    set of str
        The names of the targets, and of all values that these nodes read.
    """
    needed, kept = set(targets), []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(names_read(node))
    return kept[::-1], needed


def find_dependent(nodes: Iterable[NodeProto], sources: Iterable[str]) -> set[str]:
    """Return the names in `sources`, and those of all values that are computed from them.

    Parameters
    ----------
    nodes : iterable of NodeProto
        In an order in which every node comes after the nodes that compute its inputs.
    sources : iterable of str
        Names of values.
    """
    found = {name for name in sources if name}
    for node in nodes:
        if not found.isdisjoint(names_read(node)):
            found.update(name for name in node.output if name)
    return found
