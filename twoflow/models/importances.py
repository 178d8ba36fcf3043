"""How much of a decision is each flow's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils import gen_batches

from .parts import Parts

_CHUNK = 2048  # columns at a time, so that there is never a second copy of the features


class Origin(NamedTuple):
    """Where some features that stand side by side come from.

    Attributes
    ----------
    flows : tuple of (str, int)
        The flows, by name and number of columns.
    support : ndarray of shape (n_columns,) and dtype bool, or None
        Which of the columns were selected; None if the features were made of all of them.
    n_features : int
    """

    flows: tuple[tuple[str, int], ...]
    support: np.ndarray | None
    n_features: int

    @property
    def names(self) -> list[str]:
        """The flows, or one name for all of them if the features were made of all."""
        names = [name for name, _ in self.flows]
        return [" + ".join(names)] if self.support is None else names

    def by_feature(self) -> list[str]:
        """The name for each feature."""
        if self.support is None:
            return self.names * self.n_features
        return np.repeat(self.names, [width for _, width in self.flows])[self.support].tolist()


def find_support(selector: Any, n_columns: int) -> np.ndarray | None:
    """Mark the columns that a fitted selector has kept, of shape (n_columns,); None if it makes other features."""
    if selector == "passthrough":
        return np.ones(n_columns, dtype=bool)
    return selector.get_support() if hasattr(selector, "get_support") else None


def flow_shares(parts: Parts, model: Any, features: np.ndarray) -> dict[str, float] | None:
    """Find the share of each flow in what a model has learned from the features of all of them.

    Parameters
    ----------
    parts : Parts
        What the model is made of.
    model : estimator
        Fitted on the features: ``parts.on_features()``.
    features : ndarray of shape (n, n_features)
        What it was fitted on.

    Returns
    -------
    dict of str to float, or None
        See `share_of_flows`.
    """
    head = getattr(model, "head_", model)
    if decider(head) is None:
        return None
    selectors = getattr(model, "selectors_", {step.name: "passthrough" for step in parts.steps})
    origins = []
    for step, selector in zip(parts.steps, selectors.values()):
        flows = tuple((name, flow._n_features_out) for name, flow in step.flows)
        support = find_support(selector, step.n_features)
        n_features = step.n_features if support is None else int(support.sum())
        origins.append(Origin(flows, support, n_features))
    return share_of_flows(head, model.select(features) if hasattr(model, "select") else features, origins)


def steps_to_decision(classifier: Any) -> list[Any]:
    """The steps of a fitted classifier up to the one that decides on features, without what calibrates it."""
    steps = [step for _, step in classifier.steps] if hasattr(classifier, "steps") else [classifier]
    if len(steps) > 1 and hasattr(steps[-2], "classifier_"):  # whose answers the last step only calibrates
        steps.pop()
    return [*steps[:-1], *_unwrapped(steps[-1])]


def _unwrapped(step: Any) -> list[Any]:
    return steps_to_decision(step.classifier_) if hasattr(step, "classifier_") else [step]


def decider(classifier: Any) -> Any | None:
    """The step that decides, if it says how much each of the features counts that the classifier was given."""
    *before, last = steps_to_decision(classifier)
    says = hasattr(last, "feature_importances_") or hasattr(last, "coef_")
    return last if says and all(isinstance(step, OneToOneFeatureMixin) for step in before) else None


def share_of_flows(classifier: Any, X: np.ndarray, origins: Sequence[Origin]) -> dict[str, float] | None:
    """Find the share of a fitted classifier's importances that falls on the features of each flow.

    The importance of a feature is what the classifier gives as `feature_importances_`, or the mean over classes of its
    absolute `coef_` times the feature's standard deviation. It says what this decision leans on, not how well a flow
    would do alone. Of flows that say the same, it may name either.

    Parameters
    ----------
    classifier : estimator
        Fitted. Of a pipeline the step that decides is asked.
    X : ndarray of shape (n, n_features)
        What it was fitted on.
    origins : sequence of Origin
        Where the features come from, in their order.

    Returns
    -------
    dict of str to float, or None
        Shares that add up to 1; None for a classifier that does not say.
    """
    last = decider(classifier)
    if last is None:
        return None
    for step in steps_to_decision(classifier)[:-1]:
        X = step.transform(X)
    importances = _importances(last, X)
    if not importances.sum() > 0:
        return None
    shares = {name: 0.0 for origin in origins for name in origin.names}
    for name, importance in zip((name for origin in origins for name in origin.by_feature()), importances):
        shares[name] += float(importance)
    return {name: share / sum(shares.values()) for name, share in shares.items()}


def _importances(model: Any, X: np.ndarray) -> np.ndarray:
    if hasattr(model, "feature_importances_"):
        return np.asarray(model.feature_importances_)
    spread = np.concatenate([np.asarray(X[:, columns]).std(axis=0) for columns in gen_batches(X.shape[1], _CHUNK)])
    return np.abs(np.atleast_2d(model.coef_)).mean(axis=0) * spread
