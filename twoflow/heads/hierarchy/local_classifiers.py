"""Fit the classifiers of a hierarchy, and ask them for the probability of each node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import _safe_indexing

from ...errors import InputError
from ..inner_folds import draw_inner_folds, fit_clone
from ..out_of_fold import answer_out_of_fold, probabilities_of
from ..shared_features import trained_parts
from .strategies import STRATEGIES, Share, Task
from .tree import ClassTree


class Learned(NamedTuple):
    """What a strategy has learned.

    Attributes
    ----------
    classifiers : list of LocalClassifier
    flow : Flow or None
        The fitted flow that the classifiers have trained together, and on whose features they decide. None: they decide
        on what they were fitted on.
    history : list of dict, or None
        The epochs in which the flow was trained; None without it.
    held_out : ndarray of bool and shape (n,), or None
        The rows that the classifiers held out themselves. None if they say nothing of this.
    """

    classifiers: list[LocalClassifier]
    flow: Any
    history: list[dict[str, Any]] | None
    held_out: np.ndarray | None


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
) -> Learned:
    """Fit the classifiers of a strategy.

    An estimator that can be split into a classifier for each target, by its method `split_targets`, is fitted once:
    what each classifier decides is a target. A row that a classifier does not learn from has no label of its target.

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

    Returns
    -------
    Learned
    """
    tasks = STRATEGIES[strategy].tasks(tree, nodes)
    fit = _fit_together if hasattr(estimator, "split_targets") else _fit_apart
    fitted, held_out = fit(estimator, X, groups, tasks, len(nodes), n_jobs)
    flow, heads, history = trained_parts(fitted)
    classifiers = [LocalClassifier(task.name, np.unique(task.targets), head) for task, head in zip(tasks, heads)]
    return Learned(classifiers, flow, history, held_out)


def _fit_apart(
    estimator: Any, X: Any, groups: np.ndarray | None, tasks: Sequence[Task], n: int, n_jobs: int | None
) -> tuple[list[Any], None]:
    """Fit a clone of the estimator for each task."""

    def fit(rows: np.ndarray, targets: np.ndarray) -> Any:
        if len(np.unique(targets)) < 2:
            return None
        return _fit_on(estimator, X, rows, targets, groups, n)

    return Parallel(n_jobs=n_jobs, prefer="threads")(delayed(fit)(task.rows, task.targets) for task in tasks), None


def _fit_together(
    estimator: Any, X: Any, groups: np.ndarray | None, tasks: Sequence[Task], n: int, n_jobs: int | None
) -> tuple[list[Any], np.ndarray | None]:
    """Fit one clone of the estimator for all tasks, and split it."""
    numbers = [number for number, task in enumerate(tasks) if len(np.unique(task.targets)) > 1]
    labels = np.full((n, len(numbers)), None, dtype=object)
    for column, number in zip(labels.T, numbers):
        column[tasks[number].rows] = tasks[number].targets
    rows = np.flatnonzero((labels != np.array(None)).any(axis=1))
    targets = labels[rows] if len(numbers) > 1 else labels[rows, 0].astype(np.intp)
    fitted = _fit_on(estimator, X, rows, targets, groups, n)
    parts = dict(zip(numbers, fitted.split_targets()))
    held_out = getattr(fitted, "held_out_", None)
    if held_out is not None:
        all_rows = np.zeros(n, dtype=bool)
        all_rows[rows] = held_out
        held_out = all_rows
    return [parts.get(number) for number in range(len(tasks))], held_out


def _fit_on(
    estimator: Any, X: Any, rows: np.ndarray, targets: np.ndarray, groups: np.ndarray | None, n: int
) -> Any:
    part = X if len(rows) == n else _safe_indexing(X, rows)
    return fit_clone(estimator, part, targets, None if groups is None else groups[rows])


def ask_local(classifiers: Sequence[LocalClassifier], X: Any, tree: ClassTree, strategy: str) -> np.ndarray:
    """Return the probability of each node, of shape (n, n_nodes).

    X are rows of what the classifiers decide on. A node that no training row has gets the probability 0.
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
        asked = _safe_indexing(X, inside[test])
        return ask_local(
            fitted.classifiers, asked if fitted.flow is None else fitted.flow.transform(asked), tree, strategy
        )

    rows, answers = answer_out_of_fold(ask, folds, n_jobs)
    node_proba = np.full((len(nodes), len(tree.nodes)), np.nan)
    node_proba[inside[rows]] = answers
    return node_proba
