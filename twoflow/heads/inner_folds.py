"""Keeping the groups of images together where an estimator tries on some rows what it has learned from others."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import check_consistent_length, has_fit_parameter

from ..errors import InputError


def fit_clone(estimator: Any, X: Any, y: np.ndarray, groups: np.ndarray | None) -> Any:
    """Fit a clone of an estimator, and hand it the groups if there are any and it takes them.

    The steps of a pipeline that take groups are given them. With scikit-learn's metadata routing switched on, those
    steps of the clone request them, unless the user has said otherwise.
    """
    estimator = clone(estimator)
    return estimator.fit(X, y, **({} if groups is None else _fit_parameters(estimator, groups)))


def _fit_parameters(estimator: Any, groups: np.ndarray) -> dict[str, np.ndarray]:
    if get_config()["enable_metadata_routing"]:
        _request_groups(estimator)
        takes_them = has_fit_parameter(estimator, "groups") or _routes_groups(estimator)
        return {"groups": groups} if takes_them else {}
    if isinstance(estimator, Pipeline):
        return {
            f"{name}__{parameter}": values
            for name, step in estimator.steps for parameter, values in _fit_parameters(step, groups).items()
        }
    return {"groups": groups} if has_fit_parameter(estimator, "groups") else {}


def _request_groups(estimator: Any) -> None:
    """Have the steps of a pipeline request the groups that they take, where nothing has been said of them yet."""
    if not isinstance(estimator, Pipeline):
        return
    for _, step in estimator.steps:
        _request_groups(step)
        if has_fit_parameter(step, "groups") and get_routing_for_object(step).fit.requests.get("groups") is None:
            step.set_fit_request(groups=True)


def _routes_groups(estimator: Any) -> bool:
    """Whether the estimator hands groups on to something inside it that has requested them."""
    return bool(get_routing_for_object(estimator).consumes("fit", ["groups"]))


def split_groups(
    y: np.ndarray, groups: np.ndarray | None, n_splits: int, rng: np.random.RandomState
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds of like classes that no group is on both sides of: for each the rows to fit on and those to try.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Classes.
    groups : ndarray of shape (n,) or None
    n_splits : int
        No more than the rarest class has rows or groups, but two at least.
    rng : RandomState
        Shuffles them.

    Raises
    ------
    ValueError
        If groups are not as many as rows, there is one group only, or no class has two rows or groups.
    """
    check_consistent_length(y, groups)
    if groups is not None and len(np.unique(groups)) < 2:
        raise InputError(f"groups are left out whole, so there must be two; all {len(y)} rows are of one")
    counts = np.unique(y[_firsts(y, groups)], return_counts=True)[1]
    if counts.max() < 2:
        unit = "rows" if groups is None else "groups"
        raise InputError(f"folds need a class of two {unit} at least; each class has one")
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    n_splits = max(2, min(n_splits, int(counts.min())))
    folds = splitter(n_splits, shuffle=True, random_state=rng.randint(np.iinfo(np.int32).max))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return [(train, test) for train, test in folds.split(y, y, groups) if len(train) and len(test)]


def _firsts(y: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """The first row of each group within each class."""
    if groups is None:
        return np.arange(len(y))
    pairs = np.stack([np.unique(y, return_inverse=True)[1], np.unique(groups, return_inverse=True)[1]])
    return np.unique(pairs, axis=1, return_index=True)[1]


def fit_transform_clone(selector: Any, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None) -> tuple[Any, Any]:
    """Fit a clone of a selector and give it the groups if it takes any; the clone and what it makes of X.

    "passthrough" is returned with X as it is.
    """
    if isinstance(selector, str):
        return selector, X
    selector = clone(selector)
    takes_them = groups is not None and has_fit_parameter(selector, "groups")
    return selector, selector.fit_transform(X, y, **({"groups": groups} if takes_them else {}))
