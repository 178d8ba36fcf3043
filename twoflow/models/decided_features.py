"""Compute the features that the head of a fitted model decides on: behind all selectors."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

from .choosing_classifier import ChoosingClassifier
from .selecting_classifier import SelectingClassifier, to_dense


@singledispatch
def decided_features(head: Any, features: Any) -> np.ndarray:
    """Pass features through all that a fitted head does to them before something learned from classes decides.

    Register a function for a class of your own whose head is behind selectors.

    Parameters
    ----------
    head : estimator
        The fitted rest of a model, behind its flows; see `fitted_parts`.
    features : ndarray of shape (n, n_features)
        The features of the flows.

    Returns
    -------
    ndarray of shape (n, n_selected)
        The features themselves for a head without selectors.
    """
    return to_dense(features)


@decided_features.register
def _(head: SelectingClassifier, features: Any) -> np.ndarray:
    return decided_features(head.head_, head.select(features))


@decided_features.register
def _(head: ChoosingClassifier, features: Any) -> np.ndarray:
    return decided_features(head.best_, features)


@decided_features.register
def _(head: Pipeline, features: Any) -> np.ndarray:
    return decided_features(head.steps[-1][1], head[:-1].transform(features) if len(head.steps) > 1 else features)


@decided_features.register
def _(head: FrozenEstimator, features: Any) -> np.ndarray:
    return decided_features(head.estimator, features)


@decided_features.register
def _(head: BaseSearchCV, features: Any) -> np.ndarray:
    return decided_features(head.best_estimator_, features)
