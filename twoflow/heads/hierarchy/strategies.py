"""Strategies: which classifiers a hierarchy needs, and how their probabilities become those of all nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from .tree import ClassTree


class Task(NamedTuple):
    """What one classifier learns.

    Attributes
    ----------
    name : str
        What it decides on.
    rows : ndarray of int
        The rows that it is fitted on.
    targets : ndarray of int
        The node that is right for each of these rows.
    """

    name: str
    rows: np.ndarray
    targets: np.ndarray


class Share(NamedTuple):
    """What one classifier answers for n rows.

    Attributes
    ----------
    nodes : ndarray of int and shape (n_classes,)
        The nodes that the classifier knows.
    proba : ndarray of shape (n, n_classes)
        The probability of each of them.
    """

    nodes: np.ndarray
    proba: np.ndarray


class Strategy(Protocol):
    """How a hierarchy is learned by classifiers of one target."""

    @staticmethod
    def tasks(tree: ClassTree, nodes: np.ndarray) -> list[Task]:
        """Return what each classifier learns, from the node of each row; -1 for a row that none learns from."""

    @staticmethod
    def combine(tree: ClassTree, shares: Sequence[Share]) -> np.ndarray:
        """Return the probability of each node, of shape (n, n_nodes), from the share of each task's classifier."""


class Leaves:
    """One classifier of the leaves. The probability of a node is the sum over the leaves below it.

    Rows that are not labeled down to a leaf are left out.
    """

    @staticmethod
    def tasks(tree: ClassTree, nodes: np.ndarray) -> list[Task]:
        """Return the only task."""
        rows = np.flatnonzero(tree.is_leaf[nodes] & (nodes >= 0))
        return [Task("leaves", rows, nodes[rows])]

    @staticmethod
    def combine(tree: ClassTree, shares: Sequence[Share]) -> np.ndarray:
        """Sum the probabilities of the leaves upward."""
        return sum_upward(tree, _place(tree, shares))


class Parents:
    """A classifier for each node with several nodes below it. Probabilities are multiplied along the path."""

    @staticmethod
    def tasks(tree: ClassTree, nodes: np.ndarray) -> list[Task]:
        """Return a task for the broadest level, and one for each node with something below it."""
        tasks = []
        for parent, children in tree.children.items():
            level = int(tree.depths[children[0]])
            deep = np.flatnonzero((nodes >= 0) & (tree.depths[nodes] >= level))
            targets = tree.ancestors[nodes[deep], level]
            is_below = tree.parents[targets] == parent
            name = tree.levels[0] if parent < 0 else "/".join(map(str, tree.nodes[parent]))
            tasks.append(Task(name, deep[is_below], targets[is_below]))
        return tasks

    @staticmethod
    def combine(tree: ClassTree, shares: Sequence[Share]) -> np.ndarray:
        """Multiply the probabilities along each path."""
        node_proba = _place(tree, shares)
        for parent, children in tree.children.items():
            if parent >= 0:
                node_proba[:, children] *= node_proba[:, [parent]]
        return node_proba


class Levels:
    """An independent classifier for each level, which may contradict each other.

    The classes of a level are its nodes, and the leaves above them: those are no answers there, but let the classifier
    say that a path has ended.
    """

    @staticmethod
    def tasks(tree: ClassTree, nodes: np.ndarray) -> list[Task]:
        """Return a task for each level."""
        tasks = []
        for level, name in enumerate(tree.levels):
            is_known = (nodes >= 0) & (tree.is_leaf[nodes] | (tree.depths[nodes] >= level))
            rows = np.flatnonzero(is_known)
            tasks.append(Task(name, rows, tree.ancestors[nodes[rows], level]))
        return tasks

    @staticmethod
    def combine(tree: ClassTree, shares: Sequence[Share]) -> np.ndarray:
        """Take the probability of each node from the classifier of its level."""
        is_own = [tree.depths[share.nodes] == level for level, share in enumerate(shares)]
        return _place(tree, [Share(nodes[own], proba[:, own]) for (nodes, proba), own in zip(shares, is_own)])


#: The strategies by name.
STRATEGIES: dict[str, type[Strategy]] = {"leaves": Leaves, "parents": Parents, "levels": Levels}


def _place(tree: ClassTree, shares: Sequence[Share]) -> np.ndarray:
    """Write shares that have no node in common into one array of shape (n, n_nodes), with 0 for all other nodes."""
    node_proba = np.zeros((len(shares[0].proba), len(tree.nodes)))
    for nodes, proba in shares:
        node_proba[:, nodes] = proba
    return node_proba


def sum_upward(tree: ClassTree, leaf_proba: np.ndarray) -> np.ndarray:
    """Return the probability of each node as the sum over the leaves below it.

    Parameters
    ----------
    tree : ClassTree
    leaf_proba : ndarray of shape (n, n_nodes)
        The probabilities of the leaves; zeros for all other nodes.

    Returns
    -------
    ndarray of shape (n, n_nodes)
    """
    node_proba = leaf_proba.copy()
    for level in range(len(tree.levels) - 1, 0, -1):
        below = np.flatnonzero(tree.depths == level)
        if len(below):  # siblings are beside each other
            above, starts = np.unique(tree.parents[below], return_index=True)
            node_proba[:, above] = np.add.reduceat(node_proba[:, below], starts, axis=1)
    return node_proba


def full_labels(tree: ClassTree, node_proba: np.ndarray, strategy: str) -> np.ndarray:
    """Return the labels of each row without fallback, of shape (n, k).

    They are those of the likeliest leaf; with the strategy "levels", the likeliest label of each level by itself.
    """
    leaf = tree.leaves[node_proba[:, tree.leaves].argmax(axis=1)]
    labels = tree.labels(leaf)
    if strategy == "levels":
        for level in range(len(tree.levels)):
            cut = tree.cut(level)
            labels[:, level] = tree.label_column(level, cut[node_proba[:, cut].argmax(axis=1)])
    return labels


def level_proba(tree: ClassTree, node_proba: np.ndarray) -> list[np.ndarray]:
    """Return the probabilities of the labels of each level, in the order of `ClassTree.labels_by_level`.

    Each row sums to 1 at each level. Labels that occur at several places are summed.
    """
    by_level = []
    for level, labels in enumerate(tree.labels_by_level):
        cut, position = tree.cut(level), {label: i for i, label in enumerate(labels)}
        shares = np.zeros((len(node_proba), len(labels)))
        np.add.at(shares.T, [position[label] for label in tree.label_column(level, cut)], node_proba[:, cut].T)
        if not tree.is_even:  # classifiers of different levels say how likely it is that a path has ended
            total = shares.sum(axis=1, keepdims=True)
            shares = np.divide(shares, total, out=np.full_like(shares, 1 / len(labels)), where=total > 0)
        by_level.append(shares)
    return by_level
