"""SHAP values of trees: what each feature adds to the probability that a forest gives a class.

Lundberg et al., "From local explanations to global understanding with explainable AI for trees", Nature Machine
Intelligence 2, 2020, https://doi.org/10.1038/s42256-019-0138-9. The package shap computes them.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from ..errors import MissingExtraError
from ..heads import MultiTargetClassifier
from ..models.selecting_classifier import SelectingClassifier
from .linear import to_row


class FeatureParts(NamedTuple):
    """A score as a sum over features.

    Attributes
    ----------
    values : ndarray of shape (n_features,) and dtype float64
        The part of each feature.
    constant : float
        The score without any feature: the mean over the training images.
    """

    values: np.ndarray
    constant: float


@singledispatch
def shap_values(head: Any, x: np.ndarray, target: int, label: Any) -> FeatureParts | None:
    """Split the probability of a class into the parts of features; None, the default, if the head has no trees.

    Parameters
    ----------
    head, x, target, label
        See `twoflow.explaining.linear.linearize`.

    Raises
    ------
    MissingExtraError
        If the package shap is not installed.
    """
    return None


@shap_values.register(RandomForestClassifier)
@shap_values.register(ExtraTreesClassifier)
@shap_values.register(DecisionTreeClassifier)
def _(head: Any, x: np.ndarray, target: int, label: Any) -> FeatureParts | None:
    if isinstance(head.classes_, list):  # of several targets, which shap does not know
        return None
    try:
        import shap
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            'method="shap" needs the package shap; install it with: pip install "twoflow[shap]"'
        ) from error
    explainer = shap.TreeExplainer(head, feature_perturbation="tree_path_dependent")
    position = head.classes_.tolist().index(label)
    values = np.asarray(explainer.shap_values(x[None], check_additivity=False))[0, :, position].astype(np.float64)
    return FeatureParts(values, float(np.ravel(explainer.expected_value)[position]))


@shap_values.register
def _(head: Pipeline, x: np.ndarray, target: int, label: Any) -> FeatureParts | None:
    *before, (_, last) = head.steps
    supports, inside = [], x
    for _, step in before:
        if step in (None, "passthrough"):
            continue
        if not hasattr(step, "get_support"):
            return None
        supports.append(np.flatnonzero(step.get_support()))
        inside = to_row(step.transform(inside[None]))
    found = shap_values(last, inside, target, label)
    if found is None:
        return None
    places = np.arange(len(x))
    for support in supports:
        places = places[support]
    return FeatureParts(_scatter(len(x), places, found.values), found.constant)


@shap_values.register
def _(head: SelectingClassifier, x: np.ndarray, target: int, label: Any) -> FeatureParts | None:
    places = []
    for name, _, columns in head.selections:
        selector, own = head.selectors_[name], np.arange(len(x))[columns]
        if selector != "passthrough":
            if not hasattr(selector, "get_support"):
                return None
            own = own[selector.get_support()]
        places.append(own)
    found = shap_values(head.head_, head.select(x[None])[0], target, label)
    if found is None:
        return None
    return FeatureParts(_scatter(len(x), np.concatenate(places), found.values), found.constant)


@shap_values.register
def _(head: MultiOutputClassifier, x: np.ndarray, target: int, label: Any) -> FeatureParts | None:
    return shap_values(head.estimators_[target], x, 0, label)


@shap_values.register
def _(head: MultiTargetClassifier, x: np.ndarray, target: int, label: Any) -> FeatureParts | None:
    """Ask the target's own forest; other strategies than "separate" have none."""
    if head.strategy != "separate":
        return None
    own = head.estimators_[target]
    return shap_values(own, x, 0, own.classes_.tolist()[head.classes_[target].tolist().index(label)])


def _scatter(n: int, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    spread = np.zeros(n)
    np.add.at(spread, places, values)
    return spread
