"""Transformers of features whose outputs are linear in their inputs, or linear if a norm is held fixed."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectorMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from ..heads import (
    CappedClassifier,
    DiscriminantProjection,
    KernelRidgeClassifier,
    KernelWeight,
    OutOfFoldProbabilities,
)
from .linear import LinearScore, add_up, linearize, pull_back, pull_back_through

#: Functions of single values that are 0 at 0, whose ratio to their argument is held fixed.
_ELEMENTWISE = (np.sqrt, np.cbrt, np.log1p, np.tanh)


@pull_back.register
def _(transformer: StandardScaler, x: np.ndarray, weights: np.ndarray) -> LinearScore:
    scaled = weights if transformer.scale_ is None else weights / transformer.scale_
    return _centered(scaled, transformer.mean_)


@pull_back.register
def _(transformer: PCA, x: np.ndarray, weights: np.ndarray) -> LinearScore:
    if transformer.whiten:
        weights = weights / np.sqrt(transformer.explained_variance_)
    return _centered(weights @ transformer.components_.astype(np.float64), transformer.mean_)


@pull_back.register
def _(transformer: Normalizer, x: np.ndarray, weights: np.ndarray) -> LinearScore:
    """Hold the norm of the row fixed."""
    orders = {"l1": 1, "l2": 2, "max": np.inf}
    norm = float(np.linalg.norm(x.astype(np.float64), orders[transformer.norm]))
    return LinearScore(weights / (norm or 1.0), 0.0)


@pull_back.register
def _(transformer: KernelWeight, x: np.ndarray, weights: np.ndarray) -> LinearScore:
    return LinearScore(weights * np.sqrt(transformer.weight), 0.0)


@pull_back.register
def _(transformer: FunctionTransformer, x: np.ndarray, weights: np.ndarray) -> LinearScore | None:
    """Hold the ratio of a value to its argument fixed: the square root of x is x times 1 / sqrt(x)."""
    if transformer.func is None:
        return LinearScore(weights, 0.0)
    if transformer.func not in _ELEMENTWISE:
        return None
    inside = x.astype(np.float64)
    outside = transformer.func(inside)
    return LinearScore(weights * np.divide(outside, inside, out=np.zeros_like(inside), where=inside != 0), 0.0)


@pull_back.register(SelectorMixin)
def _(transformer: Any, x: np.ndarray, weights: np.ndarray) -> LinearScore:
    before = np.zeros(len(x))
    before[transformer.get_support()] = weights
    return LinearScore(before, 0.0)


@pull_back.register
def _(transformer: Pipeline, x: np.ndarray, weights: np.ndarray) -> LinearScore | None:
    steps = [step for _, step in transformer.steps if step not in (None, "passthrough")]
    return pull_back_through(steps, x, lambda outputs: LinearScore(weights, 0.0))


@pull_back.register
def _(transformer: DiscriminantProjection, x: np.ndarray, weights: np.ndarray) -> LinearScore | None:
    """Add up the scores of the classes; of two classes there is one, of the second."""
    classes = list(transformer.classes_)
    labels = classes[1:] if len(classes) == 2 else classes
    scores = [linearize(transformer, x, 0, label) for label in labels]
    return add_up(weights.tolist(), scores)


@pull_back.register
def _(transformer: OutOfFoldProbabilities, x: np.ndarray, weights: np.ndarray) -> LinearScore | None:
    """Use that the logarithm of a softmax is linear but for the normalization, which is held fixed.

    A probability that is raised to the floor does not depend on x.
    """
    scale = softmax_scale(transformer.classifier_)
    if scale is None:
        return None
    outputs = transformer.transform(x[None])[0].astype(np.float64)
    floor = np.log(transformer.floor) + 1e-6  # the outputs are rounded to float32
    nothing = LinearScore(np.zeros(len(x)), 0.0)
    factors, scores, constant = [0.0], [nothing], 0.0
    for label, weight, output in zip(transformer.classes_.tolist(), weights, outputs):
        if weight == 0:
            continue
        score = linearize(transformer.classifier_, x, 0, label)
        if score is None:
            return None
        factors.append(0.0 if output <= floor else weight * scale)
        scores.append(score)
        constant += weight * output - factors[-1] * score.at(x)
    found = add_up(factors, scores)
    return None if found is None else found.plus(constant)


@singledispatch
def softmax_scale(classifier: Any) -> float | None:
    """Return the factor of scores whose softmax are a classifier's probabilities; None if they are no such softmax.

    The scores are those of `linearize`: of two classes, one is the negative of the other, so a factor of 1/2 makes
    their softmax the logistic function of the difference.
    """
    return None if hasattr(classifier, "predict_proba") else _halved(classifier)


def _halved(classifier: Any) -> float:
    return 0.5 if len(classifier.classes_) == 2 else 1.0


@softmax_scale.register(LogisticRegression)
@softmax_scale.register(LinearDiscriminantAnalysis)
def _(classifier: Any) -> float | None:
    is_ovr = getattr(classifier, "solver", None) == "liblinear" and len(classifier.classes_) > 2
    return None if is_ovr else _halved(classifier)


@softmax_scale.register
def _(classifier: KernelRidgeClassifier) -> float:
    return _halved(classifier) / float(classifier.temperature_)


@softmax_scale.register
def _(classifier: Pipeline) -> float | None:
    return softmax_scale(classifier[-1])


@softmax_scale.register
def _(classifier: CappedClassifier) -> float | None:
    return softmax_scale(classifier.classifier_)


def _centered(weights: np.ndarray, mean: np.ndarray | None) -> LinearScore:
    return LinearScore(weights, 0.0 if mean is None else -float(weights @ mean))
