"""Export hierarchical classifiers: the probabilities of all nodes of the tree, and the rule that answers one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...heads.hierarchy import ClassTree, Confidence, HierarchicalClassifier, Risk
from ...heads.hierarchy.rules import AtLeast, Likeliest
from .graph import Graph
from .linear import to_probabilities
from .registry import to_onnx
from .scopes import ScopeInput


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
    return TreeValues(_add_levels(tree, graph, nodes), answered, confidence, in_scope)


@to_onnx.register
def _(part: Likeliest, graph: Graph, source: NodeProbabilities) -> str:
    leaves = source.tree.leaves.astype(np.int64)
    return _best_of(graph, source.value, leaves)[0]


@to_onnx.register
def _(part: AtLeast, graph: Graph, source: NodeProbabilities) -> str:
    candidates = _candidates(graph, source)
    return _first_that_reaches(graph, candidates, [np.array([part.threshold], np.float32)] * len(candidates))


@to_onnx.register
def _(part: Risk, graph: Graph, source: NodeProbabilities) -> str:
    """Take the thresholds of the likeliest broadest class; with `per_class`, only what is below that class counts."""
    candidates = _candidates(graph, source)
    main, _ = candidates[-1]
    if part.per_class:
        broadest = source.tree.ancestors[:, 0].astype(np.int64)
        candidates = [
            (node, graph.add("Where", graph.add("Equal", graph.add("Gather", broadest, node, axis=0), main), confidence,
                             np.float64(-np.inf)))
            for node, confidence in candidates
        ]
    by_level = part.thresholds_[:, ::-1].T.astype(np.float32)  # the finest level first
    return _first_that_reaches(graph, candidates, [graph.add("Gather", own, main, axis=0) for own in by_level])


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
        is_same = graph.cast(graph.add("Equal", above, answered), np.int64)
        is_below = graph.cast(graph.add("ReduceMax", is_same, np.array([1]), keepdims=0), bool)
        is_open = graph.add("And", is_open, is_below)
        answered = graph.add("Where", is_open, node, answered)
    return answered


def _add_node_probabilities(part: HierarchicalClassifier, graph: Graph, source: str) -> str:
    """Add the classifiers, and what their strategy makes of their probabilities; see `ask_local`."""
    tree, shares = part.tree_, []
    for local in part.estimators_:
        place = np.eye(len(tree.nodes))[local.nodes]
        if local.classifier is None:
            shares.append(graph.constant(place.sum(axis=0, keepdims=True)))
            continue
        values = to_onnx(local.classifier, graph, source)
        if not hasattr(local.classifier, "predict_proba"):
            values = to_probabilities(graph, values, len(local.nodes))
        shares.append(graph.add("MatMul", values, place))
    return _COMBINE[part.strategy](tree, graph, shares)


def _sum_upward(tree: ClassTree, graph: Graph, shares: Sequence[str]) -> str:
    """Sum the probabilities of the leaves below each node."""
    is_below = np.zeros((len(tree.nodes), len(tree.nodes)))
    is_below[tree.leaves] = tree.membership.T
    return graph.add("MatMul", shares[0], is_below)


def _multiply_down(tree: ClassTree, graph: Graph, shares: Sequence[str]) -> str:
    """Multiply the shares of all nodes on the way to each node."""
    own = shares[0] if len(shares) == 1 else graph.add("Sum", *shares)  # no two have the same nodes
    padded = graph.add("Concat", own, np.ones((1, 1)), axis=1)
    factors = [
        graph.add("Gather", padded, np.where(tree.depths >= level, tree.ancestors[:, level], len(tree.nodes)), axis=1)
        for level in range(len(tree.levels))
    ]
    product = factors[0]
    for factor in factors[1:]:
        product = graph.add("Mul", product, factor)
    return product


def _take_levels(tree: ClassTree, graph: Graph, shares: Sequence[str]) -> str:
    """Take the share of each node from the classifier of its level."""
    is_at = [(tree.depths == level).astype(np.float64)[None] for level in range(len(tree.levels))]
    own = [graph.add("Mul", share, is_own) for share, is_own in zip(shares, is_at, strict=True)]
    return own[0] if len(own) == 1 else graph.add("Sum", *own)


_COMBINE = {"leaves": _sum_upward, "parents": _multiply_down, "levels": _take_levels}


def _add_levels(tree: ClassTree, graph: Graph, nodes: str) -> list[str]:
    """Return the probabilities of the labels of each level; see `level_proba`."""
    levels = []
    for level, labels in enumerate(tree.labels_by_level):
        cut, position = tree.cut(level), {label: i for i, label in enumerate(labels)}
        sums = np.zeros((len(tree.nodes), len(labels)))
        sums[cut, [position[label] for label in tree.label_column(level, cut)]] = 1
        shares = graph.add("MatMul", nodes, sums)
        if not tree.is_even:
            shares = graph.add("Div", shares, graph.add("ReduceSum", shares, np.array([1])))
        levels.append(shares)
    return levels


def _candidates(graph: Graph, source: NodeProbabilities) -> list[tuple[str, str]]:
    """Return the likeliest node of each level and its probability, the finest level first; see `find_candidates`."""
    tree = source.tree
    return [_best_of(graph, source.value, tree.cut(level)) for level in reversed(range(len(tree.levels)))]


def _best_of(graph: Graph, nodes: str, among: np.ndarray) -> tuple[str, str]:
    """Return the likeliest of some nodes, the first of equally likely ones, and its probability; both of shape (1,)."""
    shares = graph.add("Gather", nodes, among.astype(np.int64), axis=1)
    best = graph.add("Gather", among.astype(np.int64), graph.add("ArgMax", shares, axis=1, keepdims=0), axis=0)
    return best, graph.add("ReduceMax", shares, np.array([1]), keepdims=0)


def _first_that_reaches(graph: Graph, candidates: Sequence[tuple[str, str]], thresholds: Sequence[Any]) -> str:
    """Return the finest candidate that reaches its threshold, -1 for none; compared in float32."""
    answered: Any = np.array([-1])
    for (node, confidence), threshold in zip(reversed(candidates), reversed(thresholds)):
        is_reached = graph.add("GreaterOrEqual", graph.cast(confidence, np.float32), threshold)
        answered = graph.add("Where", is_reached, node, answered)
    return answered
