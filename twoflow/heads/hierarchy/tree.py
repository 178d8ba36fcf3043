"""The tree of classes: every node is the path of labels that leads to it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np

from ..._text import counted, listed, printable
from ...errors import InputError, InputTypeError
from ...images.targets import default_names
from ..targets import read_targets
from .labels import UNKNOWN, Path, check_level_names, read_paths
from .nested import paths_of_folder, paths_of_mapping
from .text import draw


class ClassTree:
    """Classes and broader classes, as a tree.

    A node is a path of labels, not a label alone. So "other" below "shoes" and "other" below "bags" are two nodes.

    Parameters
    ----------
    paths : iterable of tuple
        The labels from the broadest level down to a node, for each node. Nodes above them are added.
    levels : sequence of k str, optional
        The names of the levels, the broadest first. By default "class" for one level, and "target 1", "target 2", ...
        for several.
    counts : mapping of tuple to int, optional
        The number of images whose label is exactly this node. By default the tree has no counts.

    Attributes
    ----------
    levels : tuple of k str
    nodes : tuple of n_nodes tuple
        The paths, by level and then sorted. There is no root.
    parents : ndarray of int and shape (n_nodes,)
        The position of the node above; -1 at the broadest level.
    depths : ndarray of int and shape (n_nodes,)
        The level, from 0 to k - 1.
    leaves : ndarray of int and shape (n_leaves,)
        The positions of the nodes with nothing below them.
    membership : ndarray of bool and shape (n_nodes, n_leaves)
        Whether the node is the leaf or above it.
    counts : tuple of n_nodes int, or None
        The number of images of each node and of all below it.
    several_parents : dict of label to tuple of tuple
        The labels of leaves that occur at several places, with their paths. This is allowed.

    Notes
    -----
    Two trees are equal if their levels, nodes and counts are. A tree does not change, and it can be the key of a dict.

    Examples
    --------
    >>> tree = ClassTree.from_labels([["shoes", "boots"], ["shoes", "heels"], ["bags", "tote"]])
    >>> tree.nodes[:2], tree.parents.tolist()
    ((('bags',), ('shoes',)), [-1, -1, 0, 1, 1])
    >>> print(tree)
    bags              1
      tote            1
    shoes             2
      boots           1
      heels           1
    """

    def __init__(
        self, paths: Iterable[Path], levels: Sequence[str] | None = None, counts: Mapping[Path, int] | None = None
    ) -> None:
        nodes = {path[:end] for path in map(_check_path, paths) for end in range(1, len(path) + 1)}
        if not nodes:
            raise InputError("a tree of classes needs at least one class, got none; give labels")
        depth = max(map(len, nodes))
        names = default_names(depth) if levels is None else check_level_names(levels)
        if len(names) < depth or len(set(names)) < len(names):
            raise InputError(f"levels: expected at least {depth} different names, got {names}; name each level")
        ordered = tuple(sorted(nodes, key=_order))
        sums = None
        if counts is not None:
            below: Counter[Path] = Counter()
            for path, number in counts.items():
                for end in range(1, len(path) + 1):
                    below[path[:end]] += int(number)
            sums = tuple(below[node] for node in ordered)
        self.__setstate__({"levels": names, "nodes": ordered, "counts": sums})

    levels: tuple[str, ...]
    nodes: tuple[Path, ...]
    counts: tuple[int, ...] | None

    @classmethod
    def from_labels(cls, y: Any, level_names: Sequence[str] | None = None) -> ClassTree:
        """Make the tree of the labels that occur.

        Parameters
        ----------
        y : array-like of shape (n,) or (n, k)
            A column for each level, the broadest first. A missing finer label (None, NaN, blank or `UNKNOWN`) ends the
            path, and a row with `UNKNOWN` at the broadest level is left out.
        level_names : sequence of k str, optional
            By default "class" for one level, and "target 1", "target 2", ... for several.

        Raises
        ------
        ValueError
            If a broadest label is missing, or a label follows a missing one.
        """
        paths, names = read_paths(y, level_names)
        counts = Counter(path for path in paths if path)
        return cls(counts, names, counts)

    @classmethod
    def from_dict(cls, classes: Mapping[Any, Any], level_names: Sequence[str] | None = None) -> ClassTree:
        """Make a tree of nested mappings.

        Parameters
        ----------
        classes : mapping
            From each label to the classes below it: a mapping again, a list of labels, or None or nothing for a leaf.
        level_names : sequence of str, optional
            As in `from_labels`.

        Raises
        ------
        ValueError
            If a mapping contains itself, or something else is below a label.

        Examples
        --------
        >>> ClassTree.from_dict({"shoes": ["boots", "heels"], "hats": None}).nodes
        (('hats',), ('shoes',), ('shoes', 'boots'), ('shoes', 'heels'))
        """
        return cls(paths_of_mapping(classes), level_names)

    @classmethod
    def from_folder(cls, path: str | os.PathLike, level_names: Sequence[str] | None = None) -> ClassTree:
        """Make the tree of nested folders: the folders that contain images, and those above them.

        Parameters
        ----------
        path : str or Path
            The outermost folder; it is no class itself.
        level_names : sequence of str, optional
            As in `from_labels`.

        Raises
        ------
        OSError
            If there is no such folder.
        ValueError
            If no folder in it contains images.
        """
        counts = paths_of_folder(path)
        return cls(counts, level_names, counts)

    def counted(self, y: Any) -> ClassTree:
        """Return the same tree with the number of images of each node in `y`; see `encode`."""
        nodes = self.encode(y)
        return ClassTree(self.nodes, self.levels, Counter(self.nodes[node] for node in nodes[nodes >= 0].tolist()))

    def named(self, levels: Sequence[str]) -> ClassTree:
        """Return the same tree with other names of the levels."""
        renamed = ClassTree(self.nodes, levels)
        renamed.__setstate__({"levels": renamed.levels, "nodes": self.nodes, "counts": self.counts})
        return renamed

    def encode(self, y: Any) -> np.ndarray:
        """Return the node of the deepest known label of each row.

        Parameters
        ----------
        y : array-like of shape (n,) or (n, k)
            As in `from_labels`.

        Returns
        -------
        ndarray of int and shape (n,)
            Positions in `nodes`; -1 for a row with `UNKNOWN` at the broadest level.

        Raises
        ------
        ValueError
            If a row's labels are no path of the tree, or there is another number of levels.
        """
        labels = read_targets(y)
        n_columns = labels.size // max(len(labels), 1)
        if len(labels) and n_columns != len(self.levels):
            raise InputError(
                f"y: expected {counted(len(self.levels), 'column')} of labels, one for each level of the tree "
                f"({listed(self.levels)}), got {n_columns}; pass the labels of each level"
            )
        paths, _ = read_paths(labels, self.levels)
        found = [self._positions.get(path, -2) for path in paths]
        if -2 in found:
            row = found.index(-2)
            raise InputError(
                f"row {row}: expected labels of the tree, got {show_path(paths[row])}; correct them, or make a tree "
                "that has them"
            )
        return np.array(found, dtype=int)

    def labels(self, nodes: Any) -> np.ndarray:
        """Return the labels of nodes, one for each level; `encode` is the inverse.

        Parameters
        ----------
        nodes : array-like of int and shape (n,)
            Positions in `nodes`; -1 means unknown.

        Returns
        -------
        ndarray of shape (n, k)
            Below a leaf "", and below another node `UNKNOWN`. -1 is `UNKNOWN` at all levels. Text if all labels are
            text; otherwise objects, or numbers if all paths are complete.

        Raises
        ------
        ValueError
            If a position is not that of a node.
        """
        nodes = np.asarray(nodes, dtype=int)
        wrong = nodes[(nodes < -1) | (nodes >= len(self.nodes))]
        if wrong.size:
            raise InputError(
                f"nodes: expected positions from -1 to {len(self.nodes) - 1}, got {wrong[0]}; pass positions in `nodes`"
            )
        table = self._table[nodes]
        if self._is_text:
            return table.astype(self._text_type)
        is_complete = bool((nodes >= 0).all() and (self.depths[nodes] == len(self.levels) - 1).all())
        return table.astype(self._number_type) if is_complete and self._number_type else table

    @cached_property
    def parents(self) -> np.ndarray:
        """The position of the node above each node; -1 at the broadest level."""
        return np.array([self._positions[node[:-1]] for node in self.nodes])

    @cached_property
    def depths(self) -> np.ndarray:
        """The level of each node, from 0."""
        return np.array([len(node) - 1 for node in self.nodes])

    @cached_property
    def leaves(self) -> np.ndarray:
        """The positions of the nodes with nothing below them."""
        return np.flatnonzero(self.is_leaf)

    @cached_property
    def is_leaf(self) -> np.ndarray:
        """Whether each node has nothing below it, of shape (n_nodes,)."""
        return ~np.isin(np.arange(len(self.nodes)), self.parents)

    @cached_property
    def children(self) -> dict[int, np.ndarray]:
        """The nodes below each node that has some, by level; -1 is above the broadest level."""
        above, starts = np.unique(self.parents, return_index=True)
        ends = [*starts[1:].tolist(), len(self.nodes)]
        return {node: np.arange(start, end) for node, start, end in zip(above.tolist(), starts.tolist(), ends)}

    def cut(self, level: int) -> np.ndarray:
        """Return the nodes of a level and the leaves above it; every leaf is one of them, or below exactly one."""
        return np.flatnonzero((self.depths == level) | self.is_leaf & (self.depths < level))

    def label_column(self, level: int, nodes: np.ndarray) -> list[Any]:
        """Return the labels of nodes at one level, as values of Python."""
        return self._table[nodes, level].tolist()

    @property
    def is_even(self) -> bool:
        """Whether all leaves are at the finest level."""
        return bool((self.depths[self.leaves] == len(self.levels) - 1).all())

    @cached_property
    def labels_by_level(self) -> list[list[Any]]:
        """The sorted labels of each level; "" for leaves of broader levels."""
        columns = [self.label_column(level, self.cut(level)) for level in range(len(self.levels))]
        return [sorted(set(column), key=lambda label: (isinstance(label, str), label)) for column in columns]

    @cached_property
    def membership(self) -> np.ndarray:
        """Whether each node is a leaf or above it, of shape (n_nodes, n_leaves)."""
        membership = np.zeros((len(self.nodes), len(self.leaves)), dtype=bool)
        above, columns = self.leaves, np.arange(len(self.leaves))
        while len(above):
            membership[above, columns] = True
            above = self.parents[above]
            above, columns = above[above >= 0], columns[above >= 0]
        return membership

    @cached_property
    def ancestors(self) -> np.ndarray:
        """The node at each level on the way to a node, of shape (n_nodes, k).

        At levels below a node it is the node itself.
        """
        table = np.tile(np.arange(len(self.nodes))[:, None], len(self.levels))
        for level in range(len(self.levels) - 2, -1, -1):
            is_below = self.depths[table[:, level + 1]] > level
            table[:, level] = np.where(is_below, self.parents[table[:, level + 1]], table[:, level + 1])
        return table

    @cached_property
    def several_parents(self) -> dict[Any, tuple[Path, ...]]:
        """The labels of leaves that occur at several places, with their paths."""
        places: dict[Any, list[Path]] = {}
        for leaf in self.leaves.tolist():
            places.setdefault(self.nodes[leaf][-1], []).append(self.nodes[leaf])
        return {label: tuple(paths) for label, paths in places.items() if len(paths) > 1}

    def name(self, node: int) -> str:
        """Return the label of a node as text; the whole path, joined by "/", if other leaves have the same label."""
        path = self.nodes[node]
        return "/".join(map(str, path)) if path[-1] in self.several_parents else str(path[-1])

    @cached_property
    def _positions(self) -> dict[Path, int]:
        return {(): -1, **{node: position for position, node in enumerate(self.nodes)}}

    @cached_property
    def _is_text(self) -> bool:
        return all(isinstance(node[-1], str) for node in self.nodes)

    @cached_property
    def _number_type(self) -> np.dtype | None:
        labels = [node[-1] for node in self.nodes]
        return None if any(isinstance(label, str) for label in labels) else np.array(labels).dtype

    @cached_property
    def _text_type(self) -> np.dtype:
        return np.array([UNKNOWN, *(node[-1] for node in self.nodes)]).dtype

    @cached_property
    def _table(self) -> np.ndarray:
        """The labels of each node, and in the last row those of an unknown image, of shape (n_nodes + 1, k)."""
        table = np.empty((len(self.nodes) + 1, len(self.levels)), dtype=object)
        table[:] = UNKNOWN
        table[self.leaves] = ""
        for position, node in enumerate(self.nodes):
            table[position, :len(node)] = node
        return table

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a ClassTree does not change; make another one instead of setting {name}")

    def __getstate__(self) -> dict[str, Any]:
        return {"levels": self.levels, "nodes": self.nodes, "counts": self.counts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    def __eq__(self, other: Any) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple:
        return self.levels, self.nodes, self.counts

    def __str__(self) -> str:
        return draw(self.nodes, self.counts, self.several_parents)

    def __repr__(self) -> str:
        return f"ClassTree({len(self.leaves)} leaves, {len(self.nodes)} nodes, levels: {', '.join(self.levels)})"


def show_path(path: Path) -> str:
    """Write a path on one line, from the broadest label to the finest."""
    return printable(" > ".join(map(str, path)), 120)


def _check_path(path: Any) -> Path:
    if not isinstance(path, (tuple, list)) or not path:
        raise InputTypeError(f"expected the path of a class as a tuple of labels, got {printable(repr(path), 60)}")
    for label in path:
        is_value = isinstance(label, (str, int)) or isinstance(label, float) and isfinite(label)
        if not is_value or label == UNKNOWN or isinstance(label, str) and not label.strip():
            raise InputError(
                f"expected labels that are text or finite numbers, not empty and not {UNKNOWN!r}, got "
                f"{printable(repr(label), 60)} in {show_path(tuple(path))}; name the class otherwise"
            )
    return tuple(path)


def _order(path: Path) -> tuple:
    """Sort nodes by level, then numbers before text."""
    return len(path), tuple((isinstance(label, str), label) for label in path)
