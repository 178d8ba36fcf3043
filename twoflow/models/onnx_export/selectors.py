"""Export selectors: what the features of a flow pass through."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectorMixin
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from ...errors import InputError
from ...heads import KernelWeight, OutOfFoldProbabilities
from .graph import Graph
from .linear import add_linear, to_probabilities
from .registry import to_onnx

#: The operators of the functions that a `FunctionTransformer` may have.
_FUNCTIONS = {np.sqrt: "Sqrt", np.log: "Log", np.exp: "Exp", np.abs: "Abs"}
#: The norms of `Normalizer`, and the operators that compute them.
_NORMS = {"l2": "ReduceL2", "l1": "ReduceL1"}


@to_onnx.register
def _(part: Pipeline, graph: Graph, source: Any) -> Any:
    for _, step in part.steps:
        source = source if step is None else to_onnx(step, graph, source)
    return source


@to_onnx.register
def _(part: SelectorMixin, graph: Graph, source: str) -> str:
    """Take the columns that are kept; `ForestSelector` and scikit-learn's selectors share this base."""
    return graph.add("Gather", source, part.get_support(indices=True), axis=1)


@to_onnx.register
def _(part: StandardScaler, graph: Graph, source: str) -> str:
    if part.with_mean:
        source = graph.add("Sub", source, part.mean_.astype(np.float32))
    if part.with_std:
        source = graph.add("Div", source, part.scale_.astype(np.float32))
    return source


@to_onnx.register
def _(part: Normalizer, graph: Graph, source: str) -> str:
    if part.norm not in _NORMS:
        raise InputError(f"a Normalizer with norm={part.norm!r} cannot be exported to ONNX; use one of {list(_NORMS)}")
    norm = graph.add(_NORMS[part.norm], source, np.array([1]))
    return graph.add("Div", source, graph.add("Where", graph.add("Equal", norm, np.float32(0)), np.float32(1), norm))


@to_onnx.register
def _(part: FunctionTransformer, graph: Graph, source: str) -> str:
    if part.func is None:
        return source
    if part.func not in _FUNCTIONS or part.kw_args:
        name = getattr(part.func, "__name__", repr(part.func))
        raise InputError(
            f"a FunctionTransformer of {name} cannot be exported to ONNX; use one of numpy's "
            f"{', '.join(function.__name__ for function in _FUNCTIONS)}"
        )
    return graph.add(_FUNCTIONS[part.func], source)


@to_onnx.register
def _(part: KernelWeight, graph: Graph, source: str) -> str:
    return graph.add("Mul", source, np.sqrt(np.float32(part.weight)))


@to_onnx.register
def _(part: PCA, graph: Graph, source: str) -> str:
    rows = add_linear(graph, source, part.components_, -part.mean_ @ part.components_.T)
    if part.whiten:
        scale = np.sqrt(part.explained_variance_)
        scale = np.maximum(scale, np.finfo(scale.dtype).eps)
        rows = graph.add("Div", rows, scale.astype(part.components_.dtype))
    return graph.cast(rows, np.float32)


@to_onnx.register
def _(part: OutOfFoldProbabilities, graph: Graph, source: str) -> str:
    probabilities = to_onnx(part.classifier_, graph, source)
    if not hasattr(part.classifier_, "predict_proba"):
        probabilities = to_probabilities(graph, probabilities, len(part.classes_))
    floored = graph.add("Max", probabilities, np.float64(part.floor))
    return graph.cast(graph.add("Log", floored), np.float32)
