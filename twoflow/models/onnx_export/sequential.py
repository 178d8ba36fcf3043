"""Export perceptrons, supervised projections, and several targets that share one representation."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from ...errors import InputError
from ...heads import DiscriminantProjection, SequentialClassifier
from ...heads.sequential.perceptron import Perceptron
from .graph import Graph
from .linear import add_linear, split_targets, to_probabilities
from .registry import to_onnx


@to_onnx.register
def _(part: SequentialClassifier, graph: Graph, source: str) -> list[str]:
    shared = _add_representation(part.representation_, graph, source)
    inputs = [source if position == part.order_[0] else shared for position in range(len(part.estimators_))]
    return [to_onnx(each, graph, own) for each, own in zip(part.estimators_, inputs)]


@to_onnx.register
def _(part: DiscriminantProjection, graph: Graph, source: str) -> str:
    return to_onnx(part.ridge_, graph, source)


@to_onnx.register
def _(part: Perceptron, graph: Graph, source: str) -> Any:
    hidden = _add_representation(part, graph, source)
    scores = graph.cast(add_linear(graph, hidden, part.coefs_[-1].T, part.intercepts_[-1]), np.float64)
    if not isinstance(part.classes_, list):
        return to_probabilities(graph, scores, len(part.classes_))
    parts = split_targets(graph, scores, part.classes_)
    return [to_probabilities(graph, own, len(classes)) for own, classes in zip(parts, part.classes_)]


@singledispatch
def _add_representation(part: Any, graph: Graph, source: str) -> str:
    """Add the outputs of a representation, of shape (1, n_outputs) and dtype float32."""
    raise InputError(
        f"the representation {type(part).__name__} cannot be exported to ONNX; use representation=\"lda\" or \"mlp\""
    )


@_add_representation.register
def _(part: DiscriminantProjection, graph: Graph, source: str) -> str:
    return graph.cast(add_linear(graph, source, part.ridge_.coef_, part.ridge_.intercept_), np.float32)


@_add_representation.register
def _(part: Perceptron, graph: Graph, source: str) -> str:
    rows = graph.add("Div", graph.add("Sub", graph.cast(source, part.mean_.dtype), part.mean_), part.scale_)
    for coef, intercept in zip(part.coefs_[:-1], part.intercepts_[:-1]):
        rows = graph.add("Relu", add_linear(graph, rows, coef.T, intercept))
    return graph.cast(rows, np.float32)
