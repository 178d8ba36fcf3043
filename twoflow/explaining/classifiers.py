"""Classifiers whose score of a class is linear in the features, or in what their selectors return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.model_selection._search import BaseSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline

from ..heads import (
    CappedClassifier,
    DiscriminantProjection,
    HierarchicalClassifier,
    KernelRidgeClassifier,
    LogOpinionPool,
    MultiTargetClassifier,
    SequentialClassifier,
)
from ..heads.multi_target.chain import to_block
from ..heads.out_of_fold import probabilities_of
from ..models.choosing_classifier import ChoosingClassifier
from ..models.selecting_classifier import SelectingClassifier
from .linear import LinearScore, add_up, linearize, pull_back, pull_back_through, to_row
from .nodes import find_node


@linearize.register(KernelRidgeClassifier)
@linearize.register(LinearClassifierMixin)
def _(head: Any, x: np.ndarray, target: int, label: Any) -> LinearScore:
    """Return the decision function of the class; of the first of two classes, with the opposite sign.

    With several targets, `coef_` has the rows of all classes of the first target, then those of the second, and so on.
    """
    are_several = isinstance(head.classes_, list)
    by_target = head.classes_ if are_several else [head.classes_]
    position = by_target[target].tolist().index(label)
    coef, intercept = np.atleast_2d(head.coef_), np.ravel(head.intercept_)
    sign = 1.0
    if are_several:
        position += sum(map(len, by_target[:target]))
    elif len(head.classes_) == 2:
        sign, position = (1.0 if position else -1.0), 0
    constant = intercept[position] if len(intercept) > 1 else intercept[0]
    return LinearScore(sign * coef[position].astype(np.float64), sign * float(constant))


@linearize.register
def _(head: DiscriminantProjection, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    return linearize(head.ridge_, x, 0, label)


@linearize.register
def _(head: LogOpinionPool, x: np.ndarray, target: int, label: Any) -> LinearScore:
    """Return the weighted sum of the logarithms of the class's probabilities."""
    classes = head.classes_.tolist()
    weights = np.zeros((len(head.weights_), len(classes)))
    weights[:, classes.index(label)] = head.weights_
    return LinearScore(weights.ravel(), 0.0)


@linearize.register
def _(head: Pipeline, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    *before, (_, last) = head.steps
    steps = [step for _, step in before if step not in (None, "passthrough")]
    return pull_back_through(steps, x, lambda outputs: linearize(last, outputs, target, label))


@linearize.register
def _(head: SelectingClassifier, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    selections = [(head.selectors_[name], columns) for name, _, columns in head.selections]
    outputs = [
        x[columns] if selector == "passthrough" else to_row(selector.transform(x[None, columns]))
        for selector, columns in selections
    ]
    found = linearize(head.head_, np.concatenate(outputs), target, label)
    if found is None:
        return None
    weights, constant, start = np.zeros(len(x)), found.constant, 0
    for (selector, columns), output in zip(selections, outputs):
        own = found.weights[start:start + len(output)]
        start += len(output)
        before = LinearScore(own, 0.0) if selector == "passthrough" else pull_back(selector, x[columns], own)
        if before is None:
            return None
        np.add.at(weights, np.arange(len(x))[columns], before.weights)
        constant += before.constant
    return LinearScore(weights, constant)


@linearize.register
def _(head: ChoosingClassifier, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    return linearize(head.best_, x, target, label)


@linearize.register
def _(head: CappedClassifier, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    return linearize(head.classifier_, x, target, label)


@linearize.register
def _(head: FrozenEstimator, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    return linearize(head.estimator, x, target, label)


@linearize.register(BaseSearchCV)
def _(head: Any, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    return linearize(head.best_estimator_, x, target, label)


@linearize.register
def _(head: CalibratedClassifierCV, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    """Return the mean score of the classifiers inside, before they are calibrated."""
    scores = [linearize(each.estimator, x, target, label) for each in head.calibrated_classifiers_]
    return add_up([1 / len(scores)] * len(scores), scores)


@linearize.register
def _(head: MultiOutputClassifier, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    return linearize(head.estimators_[target], x, 0, label)


@linearize.register
def _(head: MultiTargetClassifier, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    return _STRATEGIES[head.strategy](head, x, target, head.classes_[target].tolist().index(label))


def _of_separate(head: MultiTargetClassifier, x: np.ndarray, target: int, position: int) -> LinearScore | None:
    """Ask the target's own classifier, which has the class at the same position."""
    own = head.estimators_[target]
    return linearize(own, x, 0, own.classes_.tolist()[position])


def _of_shared(head: MultiTargetClassifier, x: np.ndarray, target: int, position: int) -> LinearScore | None:
    """Ask the only classifier, whose classes are positions; None for a class that no row with all labels has."""
    (own,) = head.estimators_
    known = own.classes_[target] if len(head.classes_) > 1 else own.classes_
    return linearize(own, x, target, position) if position in known else None


def _of_joint(head: MultiTargetClassifier, x: np.ndarray, target: int, position: int) -> LinearScore | None:
    """Ask for the likeliest combination with the class; without probabilities, for the first one."""
    own, combinations = head.estimators_[0], np.asarray(head.combinations_)
    known = np.flatnonzero(combinations[:, target] == position)
    if not len(known):
        return None
    likelier = own.predict_proba(x[None])[0, known] if hasattr(own, "predict_proba") else np.zeros(len(known))
    return linearize(own, x, 0, int(known[likelier.argmax()]))


def _of_chain(head: MultiTargetClassifier, x: np.ndarray, target: int, position: int) -> LinearScore | None:
    """Hold fixed what is known of the targets before: it is counted in the constant."""
    wider = x
    for before in head.order_[:head.order_.index(target)]:
        proba = probabilities_of(head.estimators_[before], wider[None])
        wider = np.concatenate([wider, to_block(proba, x.dtype)[0]])
    own = head.estimators_[target]
    found = linearize(own, wider, 0, own.classes_.tolist()[position])
    if found is None:
        return None
    others = found.weights[len(x):] @ wider[len(x):].astype(np.float64)
    return LinearScore(found.weights[:len(x)], found.constant + float(others))


#: How each strategy of several targets scores the class at a position.
_STRATEGIES: dict[str, Callable[[MultiTargetClassifier, np.ndarray, int, int], LinearScore | None]] = {
    "separate": _of_separate,
    "shared": _of_shared,
    "joint": _of_joint,
    "chain": _of_chain,
}


@linearize.register
def _(head: SequentialClassifier, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    own = head.estimators_[target]
    if target == head.order_[0]:
        return linearize(own, x, 0, label)
    return pull_back_through([head.representation_], x, lambda outputs: linearize(own, outputs, 0, label))


@linearize.register
def _(head: HierarchicalClassifier, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    """Ask the first classifier that decides on the node; if there is none, on the likeliest leaf below the node."""
    node = find_node(head, head.predict_node_proba(x[None])[0], target, label)
    if node is None:
        return None
    local = next(each for each in head.estimators_ if node in each.nodes)
    return None if local.classifier is None else linearize(local.classifier, x, 0, node)
