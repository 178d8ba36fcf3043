"""Measure the share of each flow in the decision of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import gen_batches

from .parts import Parts

_ROWS = 256  # at a time, which avoids a second copy of the features


class Origin(NamedTuple):
    """The flows that some adjacent features come from.

    Attributes
    ----------
    flows : tuple of (str, int)
        The name and the number of columns of each flow.
    support : ndarray of shape (n_columns,) and dtype bool, or None
        Marks the columns that were selected. None if each feature was computed from all columns.
    n_features : int
        The number of features.
    """

    flows: tuple[tuple[str, int], ...]
    support: np.ndarray | None
    n_features: int

    @property
    def names(self) -> list[str]:
        """The names of the flows, or one joined name if each feature was computed from all columns."""
        names = [name for name, _ in self.flows]
        return [" + ".join(names)] if self.support is None else names

    def by_feature(self) -> list[str]:
        """Return the name for each feature, from `names`."""
        if self.support is None:
            return self.names * self.n_features
        return np.repeat(self.names, [width for _, width in self.flows])[self.support].tolist()


def find_support(selector: Any, n_columns: int) -> np.ndarray | None:
    """Mark the columns that a fitted selector keeps, of shape (n_columns,); None if it computes new features."""
    if selector == "passthrough":
        return np.ones(n_columns, dtype=bool)
    return selector.get_support() if hasattr(selector, "get_support") else None


def flow_shares(parts: Parts, model: Any, features: np.ndarray) -> dict[str, float] | None:
    """Find the share of each flow in the decision of a fitted model.

    Parameters
    ----------
    parts : Parts
        The parts of the model.
    model : estimator
        The fitted second half of the model: ``parts.on_features()``, fitted on `features`.
    features : ndarray of shape (n, n_features)
        The features of all flows, side by side.

    Returns
    -------
    dict of str to float, or None
        See `share_of_flows`.
    """
    head = getattr(model, "head_", model)
    last = decider(head)
    if last is None:
        return None
    selectors = getattr(model, "selectors_", {step.name: "passthrough" for step in parts.steps})
    origins = []
    for step, selector in zip(parts.steps, selectors.values()):
        flows = tuple((name, flow.n_features_out) for name, flow in step.flows)
        support = find_support(selector, step.n_features)
        n_features = step.n_features if support is None else int(support.sum())
        origins.append(Origin(flows, support, n_features))
    # Selecting again would be in vain where the importances say everything.
    is_selected = hasattr(model, "select") and not hasattr(last, "feature_importances_")
    return share_of_flows(head, model.select(features) if is_selected else features, origins)


def steps_to_decision(classifier: Any) -> list[Any]:
    """Return the steps of a fitted classifier up to the one that decides, without a calibration after it."""
    steps = [step for _, step in classifier.steps] if hasattr(classifier, "steps") else [classifier]
    if len(steps) > 1 and hasattr(steps[-2], "classifier_"):
        steps[-2:] = [steps[-2].classifier_]
    return steps


def decider(classifier: Any) -> Any | None:
    """Return the step that decides; None if it gives no importance for each feature of the classifier."""
    *before, last = steps_to_decision(classifier)
    last = getattr(last, "classifier_", last)  # the wrapped classifier, if it is a wrapper
    has_importances = hasattr(last, "feature_importances_") or hasattr(last, "coef_")
    return last if has_importances and all(isinstance(step, OneToOneFeatureMixin) for step in before) else None


def share_of_flows(classifier: Any, X: np.ndarray, origins: Sequence[Origin]) -> dict[str, float] | None:
    """Sum the importances of a fitted classifier over the features of each flow.

    The importance of a feature is its value in `feature_importances_`. If the classifier has only `coef_`, it is the
    mean of the feature's absolute coefficients over the classes, times its standard deviation. Importances describe
    this one decision, not how well a flow would classify alone. If two flows carry the same information, either may get
    the share of both.

    Parameters
    ----------
    classifier : estimator
        Fitted. In a pipeline, the importances come from the step that decides.
    X : ndarray of shape (n, n_features)
        The features that it was fitted on. They are not used if it has `feature_importances_`.
    origins : sequence of Origin
        The flows that the features come from, in the order of the features.

    Returns
    -------
    dict of str to float, or None
        Shares that sum to 1; None for a classifier without importances, or if all of them are zero.
    """
    last = decider(classifier)
    if last is None:
        return None
    importances = _importances(last, steps_to_decision(classifier)[:-1], X)
    if not importances.sum() > 0:
        return None
    shares = {name: 0.0 for origin in origins for name in origin.names}
    for name, importance in zip((name for origin in origins for name in origin.by_feature()), importances):
        shares[name] += float(importance)
    return {name: share / sum(shares.values()) for name, share in shares.items()}


def _importances(model: Any, before: Sequence[Any], X: np.ndarray) -> np.ndarray:
    """Return the importance of each feature that the steps before the model give it."""
    if hasattr(model, "feature_importances_"):
        return np.asarray(model.feature_importances_)
    spread = StandardScaler()
    for rows in gen_batches(len(X), _ROWS):
        part = X[rows]
        for step in before:
            part = step.transform(part)
        spread.partial_fit(part)
    return np.abs(np.atleast_2d(model.coef_)).mean(axis=0) * np.sqrt(spread.var_)
