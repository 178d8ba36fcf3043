"""The tree of classes of a fitted hierarchical model, and the names that model files and answers give its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..heads.hierarchy import ClassTree
from ..images.levels import name_path
from .fitted_parts import fitted_parts


def find_tree(model: Any) -> ClassTree | None:
    """Return the tree of classes of a fitted model.

    Parameters
    ----------
    model : estimator
        A fitted model of images.

    Returns
    -------
    ClassTree or None
        None for a model that is not hierarchical: it gives no probabilities of nodes.
    """
    hierarchy = find_hierarchy(fitted_parts(model).head)
    return None if hierarchy is None else hierarchy.tree_


def find_hierarchy(head: Any) -> Any:
    """Return the hierarchy that a fitted head is, or that it holds behind selectors; None if there is none."""
    if not hasattr(head, "predict_node_proba"):
        return None
    return find_hierarchy(head.head_) if hasattr(head, "head_") else head


def name_node(tree: ClassTree, path: Sequence[Any]) -> Any:
    """Return the name of a node: its labels with slashes between them; see `name_path`.

    In a tree of one level it is the label itself, of any type.

    Examples
    --------
    >>> name_node(ClassTree.from_dict({"shoes": ["clog"]}), ("shoes", "clog"))
    'shoes/clog'
    >>> name_node(ClassTree.from_dict({"4/4": None}), ("4/4",))
    '4/4'
    """
    return path[0] if len(tree.levels) == 1 else name_path(tuple(path))


def name_classes(tree: ClassTree) -> tuple:
    """Return the name of each leaf, in the order of `ClassTree.leaves`."""
    return tuple(name_node(tree, tree.nodes[leaf]) for leaf in tree.leaves)


def broader_paths(tree: ClassTree) -> dict[str, tuple]:
    """Return the names of the nodes that the leaves lie in, for each level but the finest.

    Returns
    -------
    dict of str to tuple of n_leaves str
        By the name of the level, the broadest first. A leaf that ends above a level, or at it, is there by its own
        name.

    Examples
    --------
    >>> tree = ClassTree.from_dict({"bags": None, "shoes": ["clog", "sandal"]})
    >>> name_classes(tree), list(broader_paths(tree).values())
    (('bags', 'shoes/clog', 'shoes/sandal'), [('bags', 'shoes', 'shoes')])
    """
    return {
        level: tuple(name_node(tree, tree.nodes[leaf][:depth + 1]) for leaf in tree.leaves)
        for depth, level in enumerate(tree.levels[:-1])
    }
