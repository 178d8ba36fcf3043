"""Export the scores that say whether an image is in scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...errors import InputError
from ...heads.scope import OutOfScope
from ...heads.scope.scores import N_OTHER, N_OWN
from ...heads.scope.weighing import FAR, FARNESS, MOST
from .graph import Graph
from .linear import add_linear
from .registry import to_onnx


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


class _Views(NamedTuple):
    """The names of what scores look at, all of float64; see `twoflow.heads.scope.views.Views`.

    `indicators`, `smooth` and `components` have the shape (1, n), `distance` the shape (1,). `residual`, of the same
    shape, is what the components leave out of the distance.
    """

    indicators: str
    smooth: str
    components: str
    distance: str
    residual: str
    probabilities: str


@to_onnx.register
def _(part: OutOfScope, graph: Graph, source: ScopeInput) -> str:
    """Return the score, of shape (1,) and dtype float64."""
    if part.score_ not in _SCORES:
        raise InputError(f"an OutOfScope with the score {part.score_!r} cannot be exported to ONNX; use one of "
                         f"{list(_SCORES)}")
    score = _SCORES[part.score_](graph, part.parameters_, _project(part, graph, source))
    return _weigh(part, graph, score) if part.scale_ else score


def _project(part: OutOfScope, graph: Graph, source: ScopeInput) -> _Views:
    """Project the features, scaled to unit norm; see `twoflow.heads.scope.views.project`."""
    products = graph.cast(add_linear(graph, source.features, part.projection_.T, 0), np.float64)
    squared = graph.add("ReduceSumSquare", graph.cast(source.features, np.float64), np.array([1]))
    is_zero = graph.add("Equal", squared, np.float64(0))
    norm = graph.add("Where", is_zero, np.float64(1), graph.add("Sqrt", squared))
    found = graph.add("Add", graph.add("Div", products, norm), part.offset_)
    n, width = part._n_indicators, part.projection_.shape[1]
    indicators, smooth, components, mean = (
        graph.add("Slice", found, np.array([start]), np.array([end]), np.array([1]))
        for start, end in ((0, n), (n, 2 * n), (2 * n, width - 1), (width - 1, width))
    )
    length = graph.add("Where", is_zero, np.float64(0), np.float64(1))
    squared = graph.add("Max", graph.add("Sub", length, graph.add("Mul", mean, np.float64(2))), np.float64(0))
    rest = graph.add("Sub", squared, graph.add("ReduceSumSquare", components, np.array([1])))
    distance, residual = (
        graph.add("Squeeze", graph.add("Sqrt", each), np.array([1]))
        for each in (squared, graph.add("Max", rest, np.float64(0)))
    )
    return _Views(indicators, smooth, components, distance, residual, source.leaves)


def _over(graph: Graph, operator: str, values: str) -> str:
    """Reduce values of shape (1, n) to the shape (1,)."""
    return graph.add(operator, values, np.array([1]), keepdims=0)


def _top_probability(graph: Graph, parameters: Mapping[str, np.ndarray], views: _Views) -> str:
    return _over(graph, "ReduceMax", views.probabilities)


def _entropy(graph: Graph, parameters: Mapping[str, np.ndarray], views: _Views) -> str:
    shares = views.probabilities
    logarithms = graph.add("Log", graph.add("Max", shares, np.finfo(np.float64).tiny))
    return _over(graph, "ReduceSum", graph.add("Mul", shares, logarithms))


def _indicator(graph: Graph, parameters: Mapping[str, np.ndarray], views: _Views) -> str:
    return graph.add("Neg", _from_nearest_class(graph, views.indicators))


def _from_nearest_class(graph: Graph, indicators: str) -> str:
    """Return the squared distance of indicators from those of the nearest class."""
    greatest, squares = (_over(graph, operator, indicators) for operator in ("ReduceMax", "ReduceSumSquare"))
    less = graph.add("Sub", squares, graph.add("Mul", greatest, np.float64(2)))
    return graph.add("Add", less, np.float64(1))


def _energy(graph: Graph, parameters: Mapping[str, np.ndarray], views: _Views) -> str:
    scaled = graph.add("Div", views.indicators, np.float64(parameters["temperature"]))
    return _over(graph, "ReduceLogSumExp", scaled)


def _vim(graph: Graph, parameters: Mapping[str, np.ndarray], views: _Views) -> str:
    left_out = graph.add("Mul", views.residual, np.float64(parameters["scale"]))
    return graph.add("Sub", _energy(graph, parameters, views), left_out)


def _neighbors(graph: Graph, parameters: Mapping[str, np.ndarray], views: _Views) -> str:
    nearest = _over(graph, "ReduceMin", _squared_distances(graph, views.components, parameters["rows"]))
    left_out = graph.add("Mul", views.residual, views.residual)
    return graph.add("Neg", graph.add("Sqrt", graph.add("Add", nearest, left_out)))


def _mahalanobis(graph: Graph, parameters: Mapping[str, np.ndarray], views: _Views) -> str:
    whitened = graph.add("MatMul", views.components, parameters["whitening"].astype(np.float64))
    nearest = _over(graph, "ReduceMin", _squared_distances(graph, whitened, parameters["means"]))
    return graph.add("Neg", graph.add("Sqrt", nearest))


def _combined(graph: Graph, parameters: Mapping[str, np.ndarray], views: _Views) -> str:
    """Return the evidence, of shape (1, n_evidence)."""
    distances = graph.add("Sqrt", _squared_distances(graph, views.components, parameters["rows"]))
    likeliest = graph.add("ArgMax", views.indicators, axis=1)
    is_own = graph.add("Equal", parameters["codes"].astype(np.int64)[None], likeliest)
    n_rows = len(parameters["rows"])
    evidence = [
        *_describe(graph, views.indicators), *_describe(graph, views.smooth),
        *_nearest(graph, graph.add("Where", is_own, distances, _INFINITY), n_rows, N_OWN),
        *_nearest(graph, graph.add("Where", is_own, _INFINITY, distances), n_rows, N_OTHER),
        views.distance, views.residual,
    ]
    return graph.add("Unsqueeze", graph.add("Concat", *evidence, axis=0), np.array([0]))


def _describe(graph: Graph, indicators: str) -> Sequence[str]:
    """Return the greatest indicator, the second, the sum of squares, and the logarithm of the distance."""
    greatest, place = _over(graph, "ReduceMax", indicators), graph.add("ArgMax", indicators, axis=1)
    n_values = graph.add("Squeeze", graph.add("Shape", indicators, start=1))
    is_greatest = graph.add("Equal", graph.add("Range", np.int64(0), n_values, np.int64(1)), place)
    second = _over(graph, "ReduceMax", graph.add("Where", is_greatest, -_INFINITY, indicators))
    distance = graph.add("Max", _from_nearest_class(graph, indicators), np.float64(0))
    logarithm = graph.add("Log", graph.add("Add", distance, np.float64(1e-4)))
    return greatest, second, _over(graph, "ReduceSumSquare", indicators), logarithm


_INFINITY = np.float64(np.inf)


def _nearest(graph: Graph, distances: str, n_rows: int, number: int) -> Sequence[str]:
    """Return the smallest distance, and the mean of the smallest ones; infinity is no distance."""
    smallest = []
    for _ in range(min(number, n_rows)):
        smallest.append(graph.add("ReduceMin", distances, np.array([1])))
        is_smallest = graph.add("Equal", np.arange(n_rows)[None], graph.add("ArgMin", distances, axis=1))
        distances = graph.add("Where", is_smallest, _INFINITY, distances)
    values = graph.add("Concat", *smallest, axis=1)
    is_there = graph.add("Less", values, _INFINITY)
    number_there = _over(graph, "ReduceSum", graph.cast(is_there, np.float64))
    total = _over(graph, "ReduceSum", graph.add("Where", is_there, values, np.float64(0)))
    mean = graph.add("Div", total, graph.add("Max", number_there, np.float64(1)))
    least = _over(graph, "ReduceMin", values)
    return graph.add("Where", graph.add("Less", least, _INFINITY), least, np.float64(0)), mean


def _squared_distances(graph: Graph, row: str, rows: np.ndarray) -> str:
    """Return the squared distances of a row of shape (1, d) from rows of shape (n, d), of shape (1, n)."""
    rows = rows.astype(np.float64)
    own = graph.add("ReduceSumSquare", row, np.array([1]))
    products = graph.add("Mul", graph.add("MatMul", row, rows.T), np.float64(2))
    squared = graph.add("Sub", graph.add("Add", own, (rows**2).sum(axis=1)[None]), products)
    return graph.add("Max", squared, np.float64(0))


def _weigh(part: OutOfScope, graph: Graph, evidence: str) -> str:
    """Weigh the evidence; see `twoflow.heads.scope.weighing.weigh`."""
    scale = part.scale_
    standard = graph.add("Div", graph.add("Sub", evidence, scale["mean"][None]), scale["spread"][None])
    standard = graph.add("Clip", standard, np.float64(-MOST), np.float64(MOST))
    weighed = graph.add("Squeeze", graph.add("MatMul", standard, part.weights_[:, None]), np.array([1]))
    farness = graph.add("Gather", evidence, np.array([len(scale["mean"]) + FARNESS]), axis=1)
    excess = graph.add("Max", graph.add("Sub", farness, np.float64(scale["farthest"])), np.float64(0))
    excess = graph.add("Squeeze", graph.add("Div", excess, scale["spread"][FARNESS]), np.array([1]))
    return graph.add("Sub", weighed, graph.add("Mul", excess, np.float64(FAR)))


_SCORES: dict[str, Callable[[Graph, Mapping[str, np.ndarray], _Views], str]] = {
    "probability": _top_probability, "entropy": _entropy, "indicator": _indicator, "energy": _energy, "vim": _vim,
    "mahalanobis": _mahalanobis, "neighbors": _neighbors, "combined": _combined,
}
