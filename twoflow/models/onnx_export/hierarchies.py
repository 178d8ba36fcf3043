"""Export hierarchical classifiers: the probabilities of all nodes of the tree, and the rule that answers one of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...heads.hierarchy import ClassTree, Confidence, HierarchicalClassifier
from ...heads.hierarchy.rules import AtLeast, Likeliest
from .graph import Graph
from .registry import to_onnx


class TreeValues(NamedTuple):
    """What a hierarchical classifier adds to a graph: names of values.

    Attributes
    ----------
    levels : list of str
        For each level, the probabilities of its labels, of shape (1, n_labels) and dtype float64.
    node : str
        The position of the answered node, -1 for unknown, of shape (1,) and dtype int64.
    confidence : str
        The probability of this node; of the likeliest leaf for unknown. Of shape (1,) and dtype float64.
    in_scope : str or None
        Whether the image is in scope, of shape (1,) and dtype bool; None without a scope.
    """

    levels: list[str]
    node: str
    confidence: str
    in_scope: str | None


class NodeProbabilities(NamedTuple):
    """What a rule of fallback is given.

    Attributes
    ----------
    tree : ClassTree
    value : str
        The name of the probabilities of the nodes, of shape (1, n_nodes) and dtype float64.
    """

    tree: ClassTree
    value: str


class ScopeInput(NamedTuple):
    """What a score of scope is given.

    Attributes
    ----------
    features : str
        The name of the features, of shape (1, n_features).
    leaves : str
        The name of the probabilities of the leaves, of shape (1, n_leaves) and dtype float64.
    """

    features: str
    leaves: str


@to_onnx.register
def _(part: HierarchicalClassifier, graph: Graph, source: str) -> TreeValues:
    tree = part.tree_
    nodes = _add_node_probabilities(part, graph, source)
    leaves = graph.add("Gather", nodes, tree.leaves.astype(np.int64), axis=1)
    answered = to_onnx(part.fallback_, graph, NodeProbabilities(tree, nodes))
    in_scope = None
    if part.scope_ is not None:
        score = to_onnx(part.scope_, graph, ScopeInput(source, leaves))
        in_scope = graph.add("GreaterOrEqual", score, np.float64(part.scope_.threshold_))
        answered = graph.add("Where", in_scope, answered, np.int64(-1))
    is_known = graph.add("GreaterOrEqual", answered, np.int64(0))
    flat = graph.add("Squeeze", nodes, np.array([0]))
    own = graph.add("Gather", flat, graph.add("Max", answered, np.int64(0)), axis=0)
    likeliest = graph.add("ReduceMax", leaves, np.array([1]), keepdims=0)
    confidence = graph.add("Min", graph.add("Where", is_known, own, likeliest), np.float64(1))
    levels = [graph.add("MatMul", nodes, matrix) for matrix in _label_matrices(part)]
    return TreeValues(levels, answered, confidence, in_scope)


@to_onnx.register
def _(part: Likeliest, graph: Graph, source: NodeProbabilities) -> str:
    leaves = source.tree.leaves.astype(np.int64)
    return _best_of(graph, source.value, leaves)[0]


@to_onnx.register
def _(part: AtLeast, graph: Graph, source: NodeProbabilities) -> str:
    return _first_that_reaches(graph, source, [np.float32(part.threshold)] * len(source.tree.levels))


@to_onnx.register
def _(part: Confidence, graph: Graph, source: NodeProbabilities) -> str:
    """Begin with the broadest level; a finer class is answered while it lies below the answer so far."""
    tree = source.tree
    *finer, (answered, confidence) = _candidates(graph, source)
    is_open = graph.add("GreaterOrEqual", graph.cast(confidence, np.float32), np.float32(part.threshold))
    answered = graph.add("Where", is_open, answered, np.int64(-1))
    ancestors = tree.ancestors.astype(np.int64)
    for node, _ in reversed(finer):
        above = graph.add("Gather", ancestors, node, axis=0)
        is_below = graph.add("ReduceMax", graph.cast(graph.add("Equal", above, answered), np.int64), np.array([1]), keepdims=0)
        is_open = graph.add("And", is_open, graph.cast(is_below, bool))
        answered = graph.add("Where", is_open, node, answered)
    return answered


def _add_node_probabilities(part: HierarchicalClassifier, graph: Graph, source: str) -> str:
    """Add the classifiers, and what their strategy makes of their probabilities."""
    tree, shares = part.tree_, []
    for _, classifier, nodes in part._fitted:
        place = np.eye(len(tree.nodes))[nodes]
        if classifier is None:
            shares.append(graph.constant(place.sum(axis=0, keepdims=True)))
            continue
        values = to_onnx(classifier, graph, source)
        if not hasattr(classifier, "predict_proba"):
            values = to_probabilities(graph, values, len(nodes))
        shares.append(graph.add("MatMul", values, place))
    return _COMBINE[part.strategy](tree, graph, shares)


def _sum_upward(tree: ClassTree, graph: Graph, shares: list[str]) -> str:
    above = np.zeros((len(tree.nodes), len(tree.nodes)))
    above[tree.leaves] = tree.membership.T
    return graph.add("MatMul", shares[0], above)


_COMBINE = {"leaves": _sum_upward}


def _candidates(graph: Graph, source: NodeProbabilities) -> list[tuple[str, str]]:
    """Return the likeliest node of each level and its probability, the finest level first; see `find_candidates`."""
    tree = source.tree
    return [_best_of(graph, source.value, tree.cut(level)) for level in range(len(tree.levels) - 1, -1, -1)]


def _best_of(graph: Graph, nodes: str, among: np.ndarray) -> tuple[str, str]:
    """Return the likeliest of some nodes, the first of equally likely ones, and its probability; both of shape (1,)."""
    shares = graph.add("Gather", nodes, among.astype(np.int64), axis=1)
    best = graph.add("Gather", among.astype(np.int64), graph.add("ArgMax", shares, axis=1, keepdims=0), axis=0)
    return best, graph.add("ReduceMax", shares, np.array([1]), keepdims=0)


def _first_that_reaches(graph: Graph, source: NodeProbabilities, thresholds: Sequence[Any]) -> str:
    """Return the finest candidate that reaches its level's threshold, -1 for none; compared in float32."""
    answered: Any = np.array([-1])
    for (node, confidence), threshold in zip(reversed(_candidates(graph, source)), reversed(thresholds), strict=True):
        is_reached = graph.add("GreaterOrEqual", graph.cast(confidence, np.float32), threshold)
        answered = graph.add("Where", is_reached, node, answered)
    return answered


def _label_matrices(part: HierarchicalClassifier) -> list[np.ndarray]:
    """Return for each level which nodes each of its labels sums, of shape (n_nodes, n_labels)."""
    tree, matrices = part.tree_, []
    for level, labels in enumerate(classes_by_level(part)):
        cut, position = tree.cut(level), {label: i for i, label in enumerate(labels)}
        matrix = np.zeros((len(tree.nodes), len(labels)))
        matrix[cut, [position[label] for label in tree.label_column(level, cut)]] = 1
        matrices.append(matrix)
    return matrices
