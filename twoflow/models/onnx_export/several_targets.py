"""Export classifiers of several targets: the probabilities of each target's classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.multioutput import MultiOutputClassifier

from ...heads import MultiTargetClassifier
from ...heads.multi_target.strategies import indicators
from .graph import Graph
from .linear import to_probabilities
from .registry import to_onnx


@to_onnx.register
def _(part: MultiTargetClassifier, graph: Graph, source: str) -> list[str]:
    return _ADD[part.strategy](part, graph, source)


@to_onnx.register(MultiOutputClassifier)
def _add_separate(part: Any, graph: Graph, source: str) -> list[str]:
    return [to_onnx(each, graph, source) for each in part.estimators_]


def _add_shared(part: MultiTargetClassifier, graph: Graph, source: str) -> list[str]:
    """Add the classifier, and zeros for the classes that it does not know."""
    (estimator,) = part.estimators_
    several = len(part.classes_) > 1
    found, known = to_onnx(estimator, graph, source), estimator.classes_
    return [
        _place(graph, value, codes.astype(int), len(classes))
        for value, codes, classes in zip(found if several else [found], known if several else [known], part.classes_)
    ]


def _place(graph: Graph, value: str, positions: np.ndarray, width: int) -> str:
    """Add zeros between the columns of a value, so that they are at these positions."""
    return value if len(positions) == width else graph.add("MatMul", value, np.eye(width)[positions])


def _add_joint(part: MultiTargetClassifier, graph: Graph, source: str) -> list[str]:
    """Add the classifier of the combinations, and sum their probabilities."""
    (estimator,) = part.estimators_
    assert part.combinations_ is not None
    proba = _to_proba(graph, estimator, to_onnx(estimator, graph, source))
    return [graph.add("MatMul", proba, each) for each in indicators(part.combinations_, part.classes_)]


def _add_chain(part: MultiTargetClassifier, graph: Graph, source: str) -> list[str]:
    """Add the classifiers; each is given the features and the roots of the probabilities before it."""
    answers = [""] * len(part.estimators_)
    inputs = [source]
    for position in part.order_:
        features = inputs[0] if len(inputs) == 1 else graph.add("Concat", *inputs, axis=1)
        estimator = part.estimators_[position]
        answers[position] = to_onnx(estimator, graph, features)
        if position != part.order_[-1]:
            proba = _to_proba(graph, estimator, answers[position])
            root = graph.add("Sqrt", graph.add("Max", proba, np.float64(0)))
            inputs.append(graph.cast(root, np.float32))
    return answers


def _to_proba(graph: Graph, estimator: Any, value: str) -> str:
    """Turn the scores of a classifier without probabilities into some."""
    has_proba = hasattr(estimator, "predict_proba")
    return value if has_proba else to_probabilities(graph, value, len(estimator.classes_))


_ADD = {"separate": _add_separate, "shared": _add_shared, "joint": _add_joint, "chain": _add_chain}
