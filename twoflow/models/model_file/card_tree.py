"""Write the tree of classes of a card as values for JSON, and read it with every value checked."""

from __future__ import annotations

from typing import Any

from ...errors import InputError
from ...heads.hierarchy import ClassTree
from .damage import DamagedError

#: More nodes than any catalog has; the membership of as many nodes and leaves still fits in memory.
_MAX_NODES = 20_000


def to_tree_table(tree: ClassTree) -> dict[str, Any]:
    """Return the levels, the paths of the nodes, and the counts of a tree."""
    return {
        "levels": list(tree.levels), "nodes": [list(path) for path in tree.nodes],
        "counts": None if tree.counts is None else [int(count) for count in tree.counts],
    }


def read_tree(levels: Any, nodes: Any, counts: Any) -> ClassTree:
    """Make a tree of the values that `to_tree_table` wrote.

    Parents and leaves are not in the file. They follow from the paths, so a file cannot hold a cycle.

    Raises
    ------
    ValueError
        If a value is of another kind, or the paths make no tree.
    """
    if type(levels) is not list or not levels or not all(type(name) is str and name for name in levels):
        raise DamagedError("tree: levels: expected at least one name, got others")
    if type(nodes) is not list or not 0 < len(nodes) <= _MAX_NODES:
        raise DamagedError(f"tree: nodes: expected a list of 1 to {_MAX_NODES:,} paths, got others")
    for path in nodes:
        is_path = type(path) is list and 0 < len(path) <= len(levels)
        if not is_path or not all(type(label) in (str, int, float, bool) for label in path):
            raise DamagedError(f"tree: nodes: expected paths of 1 to {len(levels)} texts or numbers, got others")
    if counts is not None and not (
        type(counts) is list and len(counts) == len(nodes) and all(type(n) is int and n >= 0 for n in counts)
    ):
        raise DamagedError("tree: counts: expected a whole number for each node, or null, got others")
    paths = tuple(map(tuple, nodes))
    own = None if counts is None else _own_counts(dict(zip(paths, counts)))
    try:
        tree = ClassTree(paths, levels, own)
    except InputError as error:
        raise DamagedError(f"tree: {error}") from error
    if tree.nodes != paths or min((own or {}).values(), default=0) < 0:
        raise DamagedError("tree: expected all nodes in order, and counts that add up, got others")
    return tree


def _own_counts(counts: dict[tuple, int]) -> dict[tuple, int]:
    """Return how many images are exactly at each node, from those at it or below."""
    own = dict(counts)
    for path, number in counts.items():
        if path[:-1] in own:
            own[path[:-1]] -= number
    return own
