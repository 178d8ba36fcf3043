"""How much of a decision is each flow's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.pipeline import Pipeline

from ..heads.out_of_fold import OutOfFoldProbabilities


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


def steps_to_decision(classifier: Any) -> list[Any]:
    """The steps of a fitted classifier up to the one that decides on features, without what calibrates it."""
    steps = [step for _, step in classifier.steps] if isinstance(classifier, Pipeline) else [classifier]
    if len(steps) > 1 and isinstance(steps[-2], OutOfFoldProbabilities):
        steps[-2:] = [steps[-2].classifier_]
    return steps


def share_of_flows(classifier: Any, X: np.ndarray, origins: Sequence[Origin]) -> dict[str, float] | None:
    """The share of a fitted classifier's importances that falls on the features of each flow.

    The importance of a feature is what the classifier gives as `feature_importances_`, or the mean over classes of its
    absolute `coef_` times the feature's standard deviation. It says what this decision leans on, not how well a flow
    would do alone; and of flows that say the same, it may name either.

    Parameters
    ----------
    classifier : estimator
        Of a pipeline the step that decides is asked.
    X : ndarray of shape (n, n_features)
        What it was fitted on.
    origins : sequence of Origin
        Where the features come from, in their order.

    Returns
    -------
    dict of str to float, or None
        Shares that add up to 1; None for a classifier that does not say.
    """
    *before, last = steps_to_decision(classifier)
    if not all(isinstance(step, OneToOneFeatureMixin) for step in before):
        return None  # what it decides on are other features
    for step in before:
        X = step.transform(X)
    importances = _importances(last, X)
    if importances is None or not importances.sum() > 0:
        return None
    shares = {name: 0.0 for origin in origins for name in origin.names}
    for name, importance in zip((name for origin in origins for name in origin.by_feature()), importances):
        shares[name] += float(importance)
    return {name: share / sum(shares.values()) for name, share in shares.items()}


def _importances(model: Any, X: np.ndarray) -> np.ndarray | None:
    if hasattr(model, "feature_importances_"):
        return np.asarray(model.feature_importances_)
    if hasattr(model, "coef_"):
        return np.abs(np.atleast_2d(model.coef_)).mean(axis=0) * np.asarray(X).std(axis=0)
    return None
