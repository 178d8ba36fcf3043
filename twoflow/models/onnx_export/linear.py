"""Linear functions of features, and probabilities from their scores."""

from __future__ import annotations

import numpy as np

from .graph import Graph


def add_linear(graph: Graph, source: str, weights: np.ndarray, offset: np.ndarray | float) -> str:
    """Add the products of features with weights of shape (n_outputs, n_features), plus an offset.

    They are computed in the dtype of the weights, which is that of the result.
    """
    dtype = weights.dtype
    # The weights are not transposed here: numbers of a C-contiguous array are written to the file as they are.
    rows = graph.cast(source, dtype)
    offset = np.broadcast_to(np.asarray(offset, dtype), len(weights))
    return graph.add("Gemm", rows, np.ascontiguousarray(weights), offset, transB=1)


def to_probabilities(graph: Graph, scores: str, n_classes: int) -> str:
    """Add the softmax of scores of shape (1, n_classes), in float64. Of two classes, the first may be left out: 0."""
    scores = graph.cast(scores, np.float64)
    if n_classes == 2:
        width = graph.add("Sub", np.array([2]), graph.add("Shape", scores, start=1))
        before = graph.add("Concat", np.array([0]), width, np.array([0, 0]), axis=0)
        scores = graph.add("Pad", scores, before)
    return graph.add("Softmax", scores, axis=1)
