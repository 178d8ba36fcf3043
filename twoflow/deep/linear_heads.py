"""Make fitted classifiers of features from the weights that a training has found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from ..heads import MultiTargetClassifier


def linear_head(coef: np.ndarray, intercept: np.ndarray, classes: np.ndarray) -> LogisticRegression:
    """Make a fitted logistic regression.

    Parameters
    ----------
    coef : ndarray of shape (n_features, n_classes)
        The weights of the scores, whose softmax are the probabilities.
    intercept : ndarray of shape (n_classes,)
    classes : ndarray of shape (n_classes,)
        Sorted.

    Returns
    -------
    LogisticRegression
        With two classes it has one score, the difference of both, as scikit-learn's own.
    """
    weights, offsets = np.asarray(coef, dtype=np.float64).T, np.asarray(intercept, dtype=np.float64)
    if len(classes) == 2:
        weights, offsets = weights[1:] - weights[:1], offsets[1:] - offsets[:1]
    head = LogisticRegression()
    head.classes_ = classes
    head.coef_ = np.ascontiguousarray(weights)
    head.intercept_ = offsets
    head.n_features_in_ = weights.shape[1]
    return head


def linear_heads(
    heads: Sequence[LogisticRegression], names: Sequence[str], has_label: np.ndarray
) -> MultiTargetClassifier:
    """Put a fitted head for each target together.

    Parameters
    ----------
    heads : sequence of k LogisticRegression
    names : sequence of k str
        The names of the targets.
    has_label : ndarray of bool and shape (n, k)
        True where a training row had a label of the target.

    Returns
    -------
    MultiTargetClassifier
    """
    joined = MultiTargetClassifier(LogisticRegression(), "separate")
    joined.model_ = None
    joined.flow_ = None
    joined.estimators_ = list(heads)
    joined.combinations_ = None
    joined.order_ = list(range(len(heads)))
    joined.target_names_ = tuple(names)
    joined.classes_ = [head.classes_ for head in heads]
    joined.n_labeled_ = dict(zip(names, has_label.sum(axis=0).tolist()))
    joined.n_partly_labeled_ = int((~has_label.all(axis=1)).sum())
    joined.n_features_in_ = heads[0].n_features_in_
    return joined
