"""Fit clones of estimators and keep groups together in every cross-validation inside them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from .handing import handed_groups


def fit_clone(estimator: Any, X: Any, y: np.ndarray, groups: np.ndarray | None) -> Any:
    """Fit a clone of an estimator, and hand it the groups.

    Without groups this is ``clone(estimator).fit(X, y)``. With groups, they reach

    - every estimator that has ``groups`` among the parameters of its `fit`, also as a step of a pipeline;
    - every estimator with a parameter ``cv``, such as `GridSearchCV` or `CalibratedClassifierCV`: while the clone is
      fitted, ``cv`` is a list of folds that keep groups together;
    - with scikit-learn's metadata routing switched on, also estimators that are nested deeper in meta-estimators.

    Parameters
    ----------
    estimator : estimator
        It is cloned and never changed itself.
    X : array-like of shape (n, n_features), or a sequence of n images
    y : ndarray of shape (n,) or (n, k)
        Classes.
    groups : ndarray of shape (n,) or None
        Rows that belong together, such as photos of one item.

    Returns
    -------
    estimator
        The fitted clone, with ``cv`` as it was given.

    Warns
    -----
    GroupsNotUsedWarning
        Once for each kind of part that groups cannot reach.

    Raises
    ------
    ValueError
        If a cross-validation inside has to keep groups together and there is one group only, or no class has two.
    """
    estimator = clone(estimator)
    with handed_groups(estimator, "fit", X, y, groups) as parameters:
        return estimator.fit(X, y, **parameters)


def fit_transform_clone(transformer: Any, X: Any, y: np.ndarray, groups: np.ndarray | None) -> tuple[Any, Any]:
    """Fit a clone of a transformer on some rows, and transform these rows.

    This is `fit_clone` for selectors: a transformer such as `OutOfFoldProbabilities`, alone or in a pipeline, is
    handed the groups in `fit_transform`.

    Parameters
    ----------
    transformer : transformer
    X, y, groups
        See `fit_clone`.

    Returns
    -------
    transformer : transformer
        The fitted clone.
    outputs : array-like of shape (n, n_outputs)
        What its `fit_transform` returns for X.
    """
    if not hasattr(transformer, "fit_transform"):
        transformer = fit_clone(transformer, X, y, groups)
        return transformer, transformer.transform(X)
    transformer = clone(transformer)
    with handed_groups(transformer, "fit_transform", X, y, groups) as parameters:
        return transformer, transformer.fit_transform(X, y, **parameters)
