"""Forests in ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import InputError
from .graph import ML_DOMAIN, Graph


def add_votes(graph: Graph, source: str, forest: Any) -> str:
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
        Fitted for one target.

    Returns
    -------
    str
        The name of the probabilities, of shape (1, n_classes) and dtype float64.
    """
    from onnx import numpy_helper

    if forest.n_outputs_ > 1:
        raise InputError(
            f"a {type(forest).__name__} of several targets cannot be exported to ONNX; use a MultiOutputClassifier "
            "of it"
        )
    trees = [each.tree_ for each in forest.estimators_]
    number = np.concatenate([np.full(tree.node_count, i) for i, tree in enumerate(trees)])
    node = np.concatenate([np.arange(tree.node_count) for tree in trees])
    left = np.concatenate([tree.children_left for tree in trees])
    is_leaf = left < 0
    shares = np.concatenate([tree.value[:, 0] for tree in trees])
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
    return graph.add("Div", graph.cast(votes, np.float64), np.float64(len(trees)))
