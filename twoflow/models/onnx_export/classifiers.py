"""Export classifiers: what decides on the features."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.model_selection._search import BaseSearchCV
from sklearn.neural_network import MLPClassifier

from ...errors import InputError
from ...heads import CappedClassifier, KernelRidgeClassifier, KernelSVMClassifier, LogOpinionPool
from ..choosing_classifier import ChoosingClassifier
from ..selecting_classifier import SelectingClassifier
from .forests import add_votes
from .graph import Graph
from .linear import add_linear, split_targets, to_probabilities
from .registry import to_onnx

#: The operators of the activations that a `MLPClassifier` may have; "" keeps the values.
_ACTIVATIONS = {"identity": "", "logistic": "Sigmoid", "relu": "Relu", "tanh": "Tanh"}


@to_onnx.register
def _(part: SelectingClassifier, graph: Graph, source: str) -> Any:
    selected = [
        to_onnx(selector, graph, _take(graph, source, columns))
        for selector, (_, _, columns) in zip(part.selectors_.values(), part.selections)
    ]
    return to_onnx(part.head_, graph, graph.add("Concat", *selected, axis=1))


def _take(graph: Graph, source: str, columns: slice | np.ndarray) -> str:
    if isinstance(columns, slice):
        return graph.add("Slice", source, np.array([columns.start]), np.array([columns.stop]), np.array([1]))
    return graph.add("Gather", source, columns, axis=1)


@to_onnx.register
def _(part: ChoosingClassifier, graph: Graph, source: str) -> Any:
    return to_onnx(part.best_, graph, source)


@to_onnx.register
def _(part: CappedClassifier, graph: Graph, source: str) -> Any:
    return to_onnx(part.classifier_, graph, source)


@to_onnx.register
def _(part: BaseSearchCV, graph: Graph, source: str) -> Any:
    return to_onnx(part.best_estimator_, graph, source)


@to_onnx.register(RandomForestClassifier)
@to_onnx.register(ExtraTreesClassifier)
def _(part: Any, graph: Graph, source: str) -> str:
    return add_votes(graph, source, part)


@to_onnx.register
def _(part: KernelRidgeClassifier, graph: Graph, source: str) -> Any:
    scores = graph.cast(add_linear(graph, source, part.coef_, part.intercept_), np.float64)
    if not isinstance(part.classes_, list):
        return to_probabilities(graph, graph.add("Div", scores, np.float64(part.temperature_)), len(part.classes_))
    parts = split_targets(graph, scores, part.classes_)
    scaled = [graph.add("Div", own, np.float64(each)) for own, each in zip(parts, np.atleast_1d(part.temperature_))]
    return [to_probabilities(graph, own, len(classes)) for own, classes in zip(scaled, part.classes_)]


@to_onnx.register
def _(part: KernelSVMClassifier, graph: Graph, source: str) -> str:
    """Compute the squared distances to the support vectors from products of rows, in float64 but for the products."""
    vectors = part.support_vectors_
    products = graph.cast(add_linear(graph, source, vectors, 0), np.float64)
    own = graph.add("ReduceSumSquare", graph.cast(source, np.float64), np.array([1]))
    lengths = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    distances = graph.add("Sub", graph.add("Add", own, lengths), graph.add("Mul", products, np.float64(2)))
    near = graph.add("Exp", graph.add("Mul", graph.add("Max", distances, np.float64(0)), np.float64(-part.gamma_)))
    return add_linear(graph, near, part.dual_coef_, part.intercept_)


@to_onnx.register
def _(part: LogOpinionPool, graph: Graph, source: str) -> str:
    n_classes = len(part.classes_)
    opinions = graph.add("Reshape", graph.cast(source, np.float64), np.array([-1, n_classes]))
    return to_probabilities(graph, graph.add("MatMul", part.weights_[None], opinions), n_classes)


@to_onnx.register
def _(part: LinearClassifierMixin, graph: Graph, source: str) -> str:
    """Export the scores of a linear classifier without probabilities, such as `RidgeClassifier`."""
    if hasattr(part, "predict_proba"):
        raise InputError(
            f"the probabilities of a {type(part).__name__} cannot be exported to ONNX; use LogisticRegression, or "
            "register a function for it with twoflow.models.onnx_export.to_onnx"
        )
    return graph.cast(add_linear(graph, source, part.coef_, part.intercept_), np.float64)


@to_onnx.register(LogisticRegression)
@to_onnx.register(LinearDiscriminantAnalysis)
def _(part: Any, graph: Graph, source: str) -> str:
    if getattr(part, "solver", None) == "liblinear" and len(part.classes_) > 2:
        raise InputError('a LogisticRegression with solver="liblinear" of several classes cannot be exported to ONNX: '
                         'its probabilities are no softmax; use solver="lbfgs"')
    return to_probabilities(graph, add_linear(graph, source, part.coef_, part.intercept_), len(part.classes_))


@to_onnx.register
def _(part: MLPClassifier, graph: Graph, source: str) -> str:
    if part.out_activation_ == "logistic" and part.n_outputs_ > 1:
        raise InputError("an MLPClassifier of several labels for one row cannot be exported to ONNX: its probabilities "
                         "do not sum to 1; use a MultiOutputClassifier of it")
    *hidden, last = zip(part.coefs_, part.intercepts_, strict=True)
    for weights, offset in hidden:
        source = add_linear(graph, source, weights.T, offset)
        if operator := _ACTIVATIONS[part.activation]:
            source = graph.add(operator, source)
    weights, offset = last
    return to_probabilities(graph, add_linear(graph, source, weights.T, offset), len(part.classes_))
