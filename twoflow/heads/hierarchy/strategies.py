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
        The node that it answers for each of these rows.
    """

    name: str
    rows: np.ndarray
    targets: np.ndarray


class Strategy(Protocol):
    """How a hierarchy is learned by classifiers of one target."""

    def tasks(self, tree: ClassTree, nodes: np.ndarray) -> list[Task]:
        """Return what each classifier learns, for the node of each row; -1 for rows that are left out."""

    def combine(self, tree: ClassTree, shares: Sequence[np.ndarray]) -> np.ndarray:
        """Return the probability of each node, of shape (n, n_nodes), from those of each task's classifier.

        Each of these has shape (n, n_nodes), and zeros for all nodes that the classifier does not know.
        """


class Leaves:
    """One classifier of the leaves. The probability of a node is the sum over the leaves below it."""

    def tasks(self, tree: ClassTree, nodes: np.ndarray) -> list[Task]:
        rows = np.flatnonzero(tree.is_leaf[nodes] & (nodes >= 0))
        return [Task("leaves", rows, nodes[rows])]

    def combine(self, tree: ClassTree, shares: Sequence[np.ndarray]) -> np.ndarray:
        return sum_upward(tree, shares[0])


STRATEGIES: dict[str, type[Strategy]] = {"leaves": Leaves}


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
