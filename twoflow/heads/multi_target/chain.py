"""Learn targets one after the other, each from the features and what is known of the targets before it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from ..inner_folds import draw_inner_folds, fit_clone
from ..inner_folds.drawing import InnerFolds
from ..out_of_fold import answer_out_of_fold, ask_clone, probabilities_of
from ..partial_labels import PartialLabels


def fit_chain(
    X: np.ndarray, targets: PartialLabels, groups: np.ndarray | None, estimators: Sequence[Any], order: Sequence[int],
    cv: int, rng: np.random.RandomState, n_jobs: int | None = None,
) -> list[Any]:
    """Fit the classifiers of a chain.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    targets : PartialLabels
        Each classifier is fitted on the rows that have a label of its target.
    groups : ndarray of shape (n,) or None
        Where rows are held out, whole groups are.
    estimators : sequence of k classifier
        They are cloned.
    order : sequence of int
        The targets in the order in which they are learned.
    cv : int
        The most folds in which the probabilities of held-out rows are computed.
    rng : RandomState
        Draws the folds.
    n_jobs : int, optional
        How many folds are fitted at the same time, in threads. By default one, or as joblib's context says.

    Returns
    -------
    list of k classifier
        In the order of the columns of y.

    Notes
    -----
    A later classifier learns from probabilities of models that were not fitted on the row or its group, because it
    will meet such probabilities. With the true labels, as in the classifier chains of Read, Pfahringer, Holmes & Frank
    (2011, https://doi.org/10.1007/s10994-011-5256-5), it would trust them too much (Senge, del Coz & Hüllermeier, 2019,
    https://doi.org/10.48550/arXiv.1906.02915).
    """
    fitted: list[Any] = [None] * len(estimators)
    blocks: list[np.ndarray] = []
    for position in order:
        rows = np.flatnonzero(targets.has_label[:, position])
        labels = targets.labels[position]
        wider = np.hstack([X, *blocks]) if blocks else X
        estimator = use_more_columns(estimators[position], X.shape[1], [block.shape[1] for block in blocks])
        own_groups = None if groups is None else groups[rows]
        fitted[position] = fit_clone(estimator, wider[rows], labels, own_groups)
        if position != order[-1]:
            folds = draw_inner_folds(labels, own_groups, cv, rng, every_class=False)
            proba = _ask_held_out(estimator, fitted[position], wider, rows, labels, groups, folds, n_jobs)
            blocks.append(to_block(proba, X.dtype))
    return fitted


def _ask_held_out(
    estimator: Any, fitted: Any, X: np.ndarray, rows: np.ndarray, labels: np.ndarray, groups: np.ndarray | None,
    folds: InnerFolds, n_jobs: int | None,
) -> np.ndarray:
    """Return probabilities for all rows, each from a model that was not fitted on the row or its group.

    Rows without a label are held out with their group. If no row of the group has a label, the model that was fitted on
    all labeled rows answers.
    """
    classes = np.unique(labels)
    fold_of = np.full(len(X), -1)
    for number, (_, test) in enumerate(folds):
        held_out = rows[test]
        fold_of[held_out if groups is None else np.isin(groups, groups[held_out])] = number
    unlabeled = np.setdiff1d(np.arange(len(X)), rows)

    def ask(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        number = int(fold_of[rows[test[0]]])
        asked = np.concatenate([rows[test], unlabeled[fold_of[unlabeled] == number]])
        known = np.full(len(X), labels[0], dtype=labels.dtype)
        known[rows] = labels
        unknown = 1 / (len(train) + len(classes))
        return np.column_stack([
            asked, ask_clone(estimator, X, known, groups, rows[train], asked, classes, unknown),
        ])

    _, answers = answer_out_of_fold(ask, folds, n_jobs)
    proba = np.empty((len(X), len(classes)))
    proba[answers[:, 0].astype(int)] = answers[:, 1:]
    others = unlabeled[fold_of[unlabeled] < 0]
    if len(others):
        proba[others] = probabilities_of(fitted, X[others])
    return proba


def ask_chain(
    estimators: Sequence[Any], order: Sequence[int], classes: Sequence[np.ndarray], X: np.ndarray, method: str
) -> list[np.ndarray]:
    """Return the answers of each classifier of a chain.

    Parameters
    ----------
    estimators, order
        See `fit_chain`.
    classes : sequence of k ndarray
    X : ndarray of shape (n, n_features)
    method : {"predict", "predict_proba"}

    Returns
    -------
    list of k ndarray
        In the order of the columns of y.
    """
    answers: list[Any] = [None] * len(estimators)
    for position in order:
        answers[position] = getattr(estimators[position], method)(X)
        if position != order[-1]:
            X = np.hstack([X, to_block(probabilities_of(estimators[position], X), X.dtype)])
    return answers


def to_block(proba: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the columns that later classifiers see: the square roots of probabilities.

    Each row has unit norm, as the features of a flow have. The dot product of two rows is the overlap of two
    distributions (Bhattacharyya 1946).
    """
    return np.sqrt(np.maximum(proba, 0)).astype(dtype if dtype.kind == "f" else np.float64)


@singledispatch
def use_more_columns(estimator: Any, start: int, widths: Sequence[int]) -> Any:
    """Return an estimator that uses further columns of X, behind those that it uses now.

    Most estimators use all columns that they are given. Register a function for a class of your own that takes some
    columns only.

    Parameters
    ----------
    estimator : estimator
        Unfitted; it is not changed.
    start : int
        The position of the first further column.
    widths : sequence of int
        How many columns each block of them has: one for each target before. With none, the estimator is returned.

    Returns
    -------
    estimator
    """
    if not widths or not isinstance(estimator, BaseEstimator):
        return estimator
    inside = {
        name: value for name, value in estimator.get_params(deep=False).items() if isinstance(value, BaseEstimator)
    }
    changed = {name: use_more_columns(value, start, widths) for name, value in inside.items()}
    changed = {name: value for name, value in changed.items() if value is not inside[name]}
    return clone(estimator).set_params(**changed) if changed else estimator
