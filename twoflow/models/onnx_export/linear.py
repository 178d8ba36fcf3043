"""Linear functions of features, and probabilities from their scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .graph import Graph


def add_linear(graph: Graph, source: str, weights: np.ndarray, offset: np.ndarray | float) -> str:
    """Add the products of features with weights of shape (n_outputs, n_features), plus an offset.

    They have the dtype of the weights, and are computed in it.
    """
    weights = np.atleast_2d(weights)  # a RidgeClassifier of two classes has one row without its axis
    offset = np.broadcast_to(np.asarray(offset, weights.dtype), len(weights))
    return graph.add("Gemm", graph.cast(source, weights.dtype), weights, offset, transB=1)


def split_targets(graph: Graph, scores: str, classes: Sequence[np.ndarray]) -> list[str]:
    """Split scores of the classes of several targets, side by side, into those of each target."""
    ends = np.cumsum([0, *map(len, classes)])
    return [graph.add("Slice", scores, ends[i:i + 1], ends[i + 1:i + 2], np.array([1])) for i in range(len(classes))]


def to_probabilities(graph: Graph, scores: str, n_classes: int) -> str:
    """Add the softmax of scores of shape (1, n_classes), in float64. Of two classes, the first may be left out: 0."""
    scores = graph.cast(scores, np.float64)
    if n_classes == 2:
        width = graph.add("Sub", np.array([2]), graph.add("Shape", scores, start=1))
        before = graph.add("Concat", np.array([0]), width, np.array([0, 0]), axis=0)
        scores = graph.add("Pad", scores, before)
    return graph.add("Softmax", scores, axis=1)
