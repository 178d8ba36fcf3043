"""Fit the classifiers of a hierarchy, and ask them for the probability of each node."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import _safe_indexing

from ...errors import InputError
from ..inner_folds import draw_inner_folds, fit_clone
from ..out_of_fold import answer_out_of_fold, probabilities_of
from .strategies import STRATEGIES, Share
from .tree import ClassTree


class LocalClassifier(NamedTuple):
    """One of the classifiers of a hierarchy.

    Attributes
    ----------
    name : str
        What it decides on: "leaves", the name of a level, or the path of a parent joined by "/".
    nodes : ndarray of int and shape (n_classes,)
        The node of each column of its probabilities.
    classifier : classifier or None
        Its classes are these positions. None if there is at most one class, which needs no classifier.
    """

    name: str
    nodes: np.ndarray
    classifier: Any


def fit_local(
    estimator: Any, X: Any, nodes: np.ndarray, groups: np.ndarray | None, tree: ClassTree, strategy: str,
    n_jobs: int | None = None,
) -> list[LocalClassifier]:
    """Fit the classifiers of a strategy.

    Parameters
    ----------
    estimator : classifier
        It is cloned.
    X : array-like of shape (n, n_features), or a sequence of n images
    nodes : ndarray of int and shape (n,)
        The node of each row; -1 for a row that no classifier learns from.
    groups : ndarray of shape (n,) or None
        Handed on; see `fit_clone`.
    tree : ClassTree
    strategy : str
        A key of `STRATEGIES`.
    n_jobs : int, optional
        How many classifiers are fitted at the same time, in threads. By default one, or as joblib's context says.
    """

    def fit(rows: np.ndarray, targets: np.ndarray) -> Any:
        if len(np.unique(targets)) < 2:
            return None
        every = len(rows) == len(nodes)
        part = X if every else _safe_indexing(X, rows)
        return fit_clone(estimator, part, targets, None if groups is None else groups[rows])

    tasks = STRATEGIES[strategy].tasks(tree, nodes)
    fitted = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(fit)(task.rows, task.targets) for task in tasks)
    return [LocalClassifier(task.name, np.unique(task.targets), each) for task, each in zip(tasks, fitted)]


def ask_local(classifiers: list[LocalClassifier], X: Any, tree: ClassTree, strategy: str) -> np.ndarray:
    """Return the probability of each node, of shape (n, n_nodes).

    A node that no training row has gets the probability 0.
    """
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    shares = [
        Share(nodes, np.ones((n, len(nodes))) if classifier is None else probabilities_of(classifier, X))
        for _, nodes, classifier in classifiers
    ]
    return STRATEGIES[strategy].combine(tree, shares)


def ask_out_of_fold(
    estimator: Any, X: Any, nodes: np.ndarray, groups: np.ndarray | None, tree: ClassTree, strategy: str,
    cv: int, rng: np.random.RandomState, n_jobs: int | None = None,
) -> np.ndarray:
    """Return the probability of each node from models that were not fitted on the row or its group.

    Parameters
    ----------
    estimator, X, nodes, groups, tree, strategy, n_jobs
        See `fit_local`.
    cv : int
        The most folds; see `draw_inner_folds`.
    rng : RandomState
        Draws the folds.

    Returns
    -------
    ndarray of shape (n, n_nodes)
        NaN for rows whose node is -1.
    """
    inside = np.flatnonzero(nodes >= 0)
    folds = draw_inner_folds(
        nodes[inside], None if groups is None else groups[inside], cv, rng, every_class=False
    )

    def ask(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        rows = inside[train]
        if len(np.unique(nodes[rows])) < 2:
            raise InputError("expected at least two classes in each inner fold, got one; give more rows or groups")
        fitted = fit_local(
            estimator, _safe_indexing(X, rows), nodes[rows], None if groups is None else groups[rows], tree, strategy, 1
        )
        return ask_local(fitted, _safe_indexing(X, inside[test]), tree, strategy)

    rows, answers = answer_out_of_fold(ask, folds, n_jobs)
    node_proba = np.full((len(nodes), len(tree.nodes)), np.nan)
    node_proba[inside[rows]] = answers
    return node_proba
