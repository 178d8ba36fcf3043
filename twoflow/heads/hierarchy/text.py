"""Print a tree of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._text import counted, listed, printable
from .labels import Path

_INDENT = "  "
_WIDTH = 16  # the least width of the labels, so that counts are in one column


def draw(nodes: Sequence[Path], counts: Sequence[int] | None, several_parents: Mapping[Any, Sequence[Path]]) -> str:
    """Write a line for each node, below that of its parent, with its number of images.

    Leaves with one label at several places are listed at the end.
    """
    number = dict(zip(nodes, [None] * len(nodes) if counts is None else counts))
    children: dict[Path, list[Path]] = {}
    for node in nodes:
        children.setdefault(node[:-1], []).append(node)
    ordered: list[Path] = []
    waiting = children[()][::-1]
    while waiting:
        ordered.append(waiting.pop())
        waiting += children.get(ordered[-1], [])[::-1]
    labels = [_INDENT * (len(node) - 1) + printable(node[-1], 60) for node in ordered]
    width = max(_WIDTH, *map(len, labels))
    lines = [
        label if number[node] is None else f"{label:<{width}} {number[node]:>2,}"
        for node, label in zip(ordered, labels)
    ]
    for label, paths in several_parents.items():
        places = listed(printable(path[-2], 40) if len(path) > 1 else "the tree" for path in paths)
        lines.append(f"{printable(label, 60)} is the name of {counted(len(paths), 'leaf', 'leaves')}, below {places}")
    return "\n".join(lines)
