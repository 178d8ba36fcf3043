"""Scores that are linear in features: what a head or a transformer registers to be explained exactly."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np


class LinearScore(NamedTuple):
    """A score that is linear in features: ``weights @ x + constant``.

    Attributes
    ----------
    weights : ndarray of shape (n_features,) and dtype float64
    constant : float
    """

    weights: np.ndarray
    constant: float

    def at(self, x: np.ndarray) -> float:
        """Return the score of the features `x`, of shape (n_features,)."""
        return float(self.weights @ x.astype(np.float64)) + self.constant

    def plus(self, constant: float) -> LinearScore:
        """Return the same score with a larger constant."""
        return LinearScore(self.weights, self.constant + constant)


@singledispatch
def linearize(head: Any, x: np.ndarray, target: int, label: Any) -> LinearScore | None:
    """Return the score of a class as a linear function of features, which is exact at the features of one image.

    It supports linear classifiers, pipelines that end with one, and the heads of this package that are made of them.
    Register a function for a class of your own::

        @linearize.register
        def _(head: MyClassifier, x, target, label):
            return LinearScore(head.coef_[label], head.intercept_[label])

    Parameters
    ----------
    head : classifier of features
        Fitted.
    x : ndarray of shape (n_features,)
        The features of the image. What is not linear, such as the norm of a row, is held fixed at its value for them.
    target : int
        The position of the target; 0 for a head of one target.
    label : object
        A class of this target.

    Returns
    -------
    LinearScore or None
        None, the default, if the score is not linear.
    """
    return None


@singledispatch
def pull_back(transformer: Any, x: np.ndarray, weights: np.ndarray) -> LinearScore | None:
    """Turn a linear function of a transformer's outputs into one of its inputs, exact at the inputs of one image.

    Register a function for a class of your own.

    Parameters
    ----------
    transformer : transformer of features
        Fitted.
    x : ndarray of shape (n_features,)
        The inputs of the image. What is not linear is held fixed at its value for them.
    weights : ndarray of shape (n_outputs,)
        The weights of the outputs.

    Returns
    -------
    LinearScore or None
        Its value at x is ``weights @ transformer.transform([x])[0]``. None, the default, if it is not linear.
    """
    return None


def pull_back_through(steps: Sequence[Any], x: np.ndarray, score: Any) -> LinearScore | None:
    """Turn a score of what several transformers return, one after the other, into one of their inputs.

    Parameters
    ----------
    steps : sequence of transformer
    x : ndarray of shape (n_features,)
        The inputs of the first step.
    score : callable
        Takes the outputs of the last step, of shape (n_outputs,), and returns a `LinearScore` of them, or None.

    Returns
    -------
    LinearScore or None
        None if a step or the score is not linear.
    """
    inputs = [x]
    for step in steps:
        inputs.append(to_row(step.transform(inputs[-1][None])))
    found = score(inputs[-1])
    for step, each in zip(reversed(steps), reversed(inputs[:-1])):
        if found is None:
            return None
        before = pull_back(step, each, found.weights)
        found = None if before is None else before.plus(found.constant)
    return found


def add_up(factors: Sequence[float], scores: Sequence[LinearScore | None]) -> LinearScore | None:
    """Return the sum of scores of the same features, each times a factor; None if one is None or there are none."""
    known = [score for score in scores if score is not None]
    if not known or len(known) < len(scores):
        return None
    weights = sum(factor * score.weights for factor, score in zip(factors, known))
    constant = sum(factor * score.constant for factor, score in zip(factors, known))
    return LinearScore(np.asarray(weights), float(constant))


def to_row(outputs: Any) -> np.ndarray:
    """Return the only row of a transformer's outputs, which may be sparse."""
    return (outputs.toarray() if hasattr(outputs, "toarray") else np.asarray(outputs))[0]
