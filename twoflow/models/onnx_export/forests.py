"""Forests in ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import ML_DOMAIN, Graph
from .linear import split_targets


def add_votes(graph: Graph, source: str, forest: Any) -> Any:
    """Add a forest of scikit-learn; return the mean over its trees of the classes' shares in the leaf.

    scikit-learn compares features of float32 with thresholds of float64. So the trees are in float64 too: with
    thresholds of float32, a feature could take the other branch. They add up the shares, which are mostly 0 or 1, and
    are divided afterwards, so that two classes with equally many votes stay equal.

    Parameters
    ----------
    graph : Graph
    source : str
        The name of the features.
    forest : RandomForestClassifier or ExtraTreesClassifier
        Fitted.

    Returns
    -------
    str, or list of str for several targets
        The name of the probabilities, of shape (1, n_classes) and dtype float64; of those of each target.
    """
    from onnx import numpy_helper

    trees = [each.tree_ for each in forest.estimators_]
    number = np.concatenate([np.full(tree.node_count, i) for i, tree in enumerate(trees)])
    node = np.concatenate([np.arange(tree.node_count) for tree in trees])
    left = np.concatenate([tree.children_left for tree in trees])
    is_leaf = left < 0
    sizes = np.atleast_1d(forest.n_classes_)
    values = np.concatenate([tree.value for tree in trees])  # of shape (n_nodes, n_targets, most classes of a target)
    shares = np.hstack([values[:, target, :size] for target, size in enumerate(sizes)])
    rows, classes = np.nonzero(shares * is_leaf[:, None])
    votes = graph.add(
        "TreeEnsembleRegressor", graph.cast(source, np.float64), domain=ML_DOMAIN,
        n_targets=shares.shape[1], aggregate_function="SUM", post_transform="NONE",
        nodes_treeids=number, nodes_nodeids=node,
        nodes_modes=np.where(is_leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_featureids=np.concatenate([tree.feature for tree in trees]).clip(0),
        nodes_values_as_tensor=numpy_helper.from_array(np.concatenate([tree.threshold for tree in trees])),
        nodes_truenodeids=left.clip(0),
        nodes_falsenodeids=np.concatenate([tree.children_right for tree in trees]).clip(0),
        target_treeids=number[rows], target_nodeids=node[rows], target_ids=classes,
        target_weights_as_tensor=numpy_helper.from_array(shares[rows, classes]),
    )
    proba = graph.add("Div", graph.cast(votes, np.float64), np.float64(len(trees)))
    return split_targets(graph, proba, forest.classes_) if forest.n_outputs_ > 1 else proba
