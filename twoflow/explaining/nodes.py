"""Which node of a tree of classes, and which classifier of a hierarchy, a question about a label is about."""

from __future__ import annotations

from typing import Any

import numpy as np


def find_node(hierarchy: Any, proba: np.ndarray, level: int, label: Any) -> int | None:
    """Return the node whose score answers for a label of a level.

    It is a node with this label that some classifier decides on; if there is none, a leaf below such a node. Of several
    it is the likeliest.

    Parameters
    ----------
    hierarchy : HierarchicalClassifier
        Fitted.
    proba : ndarray of shape (n_nodes,)
        The probability of each node for the image.
    level : int
        The position of the level.
    label : object
        A label of the level.

    Returns
    -------
    int or None
        None if no classifier decides on such a node.
    """
    tree = hierarchy.tree_
    cut = tree.cut(level)
    own = [node for node, each in zip(cut.tolist(), tree.label_column(level, cut)) if each == label]
    known = {int(node) for each in hierarchy.estimators_ for node in each.nodes}
    if not known.intersection(own):
        own = [leaf for leaf in tree.leaves.tolist() if set(own).intersection(tree.ancestors[leaf].tolist())]
    return max((node for node in own if node in known), key=lambda node: proba[node], default=None)
