"""Fit one method on one fold, and score it on the test images."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import gen_batches

from .._jobs import one_blas_thread, stay_in_worker, take
from .._peak_memory import PeakMemory, peak_memory
from ..heads.inner_folds import fit_clone
from ..models.importances import Origin, find_support, share_of_flows, steps_to_decision
from ..models.selecting_classifier import as_slice, fit_selector, side_by_side, to_dense
from .feature_plan import Part, PreparedMethod
from .folds import Fold
from .method_scores import Choice
from .scores import compute_scores, scores_for
from .tested import Given, Scored, Targets
from .training_history import TrainingHistory, find_trainings

#: How many training images are predicted at a time.
_AT_A_TIME = 512


class Selected(NamedTuple):
    """The selected features of a fold's training and test images, and the seconds that selecting took.

    `support` marks the columns of the part that were kept; None if it computes new features.
    """

    train: np.ndarray
    test: np.ndarray
    support: np.ndarray | None
    fit_seconds: float
    predict_seconds: float


class FoldScores(NamedTuple):
    """The results of one method on one fold; see `MethodScores`.

    `scope` is how much each test image is like the training images, None for a method that has no such score. `seconds`
    is the time of everything that was computed for the fold, with the selectors that methods share.
    """

    n_features: int | None
    scores: dict[str, float]
    full_scores: dict[str, float] | None
    predicted: np.ndarray
    full: np.ndarray | None
    scope: np.ndarray | None
    probabilities: np.ndarray | list[np.ndarray] | None
    importances: dict[str, float] | None
    fit_seconds: float
    predict_seconds: float
    train_accuracy: float
    choice: Choice | None
    trainings: tuple[TrainingHistory, ...]
    seconds: float
    peak_memory: PeakMemory | None


def select(part: Part, features: Any, in_fold: Any, y: Any, groups: Any, fold: Fold) -> Selected:
    """Fit a clone of a part's selector on the training images of a fold; see `score_fold` for the parameters."""
    features, in_fold, y, groups = map(take, (features, in_fold, y, groups))
    with stay_in_worker(), one_blas_thread():
        return _select(part, features, in_fold, y, groups, fold)


def score_fold(
    method: PreparedMethod, X: Any, in_fold: Any, y: Any, groups: Any, fold: Fold, shared: Mapping[str, Selected],
    targets: Targets, trainings: Sequence[TrainingHistory] = (),
) -> FoldScores:
    """Fit a clone of a method's classifier on a fold and score it.

    Parameters
    ----------
    method : PreparedMethod
    X : ndarray of shape (n, n_features), or a sequence of n images
        The features that are the same in all folds; for a method without parts, the images.
    in_fold : ndarray of shape (n, n_features), or None
        The features that are learned in this fold; None if there are none.
    y : ndarray of shape (n,) or (n, k)
        The labels of one target, or of k targets.
    groups : ndarray of shape (n,), or None
        Handed to classifiers that hold out images themselves. `X`, `in_fold`, `y` and `groups` may be shared arrays;
        see `_jobs.share`.
    fold : Fold
    shared : mapping of str to Selected
        The parts, by key, that were already selected for several methods.
    targets : Targets
        What the labels of the whole collection are.
    trainings : sequence of TrainingHistory
        How the flows of the method were trained that are learned in this fold; by default none was.

    Returns
    -------
    FoldScores
    """
    started = time.perf_counter()
    X, in_fold, y, groups = map(take, (X, in_fold, y, groups))
    with stay_in_worker(), one_blas_thread():
        selections: list[Selected] = []
        X_train: Any
        X_test: Any
        if method.parts is None:
            X_train, X_test = ([X[i] for i in side] for side in (fold.train, fold.test))
        else:
            selections = [
                shared[part.key] if part.key in shared else _select(part, X, in_fold, y, groups, fold)
                for part in method.parts
            ]
            X_train, X_test = map(side_by_side, zip(*((selected.train, selected.test) for selected in selections)))
        began = time.perf_counter()
        within = None if groups is None else groups[fold.train]
        classifier = fit_clone(method.classifier, X_train, y[fold.train], within)
        fitted = time.perf_counter()
        predicted = np.asarray(classifier.predict(X_test))
        ended = time.perf_counter()
        full = np.asarray(classifier.predict_full(X_test)) if hasattr(classifier, "predict_full") else None
        scope = classifier.scope_scores(X_test) if hasattr(classifier, "scope_scores") else None
        probabilities = _probabilities(classifier, X_test, y, targets)
        last = steps_to_decision(classifier)[-1]
        # A classifier of images that knows its accuracy does not read all training images again. That of several
        # targets is the mean over them, but an exact match is tested.
        train_accuracy = getattr(last, "train_accuracy_", None)
        if train_accuracy is None or len(targets.names) > 1:
            tested = next(iter(scores_for(targets).values()))
            again = Given(_predict_in_parts(classifier, X_train))
            train_accuracy = tested(Scored(y[fold.train], again, targets.tree))
        importances = None
        if method.parts is not None:
            origins = [
                Origin(part.flows, selected.support, selected.train.shape[1])
                for part, selected in zip(method.parts, selections)
            ]
            importances = share_of_flows(classifier, X_train, origins)
    elsewhere = sum(each.fit_seconds + each.predict_seconds for each in shared.values())
    chosen = getattr(last, "best_", None)
    return FoldScores(
        n_features=getattr(last if chosen is None else steps_to_decision(chosen.head_)[-1], "n_features_in_", None),
        scores=compute_scores(y[fold.test], Given.of(predicted, full, scope, probabilities, targets, y), targets),
        full_scores=None if full is None else compute_scores(
            y[fold.test], Given.of(full, full, scope, probabilities, targets, y), targets
        ),
        predicted=predicted,
        full=full,
        scope=scope,
        probabilities=probabilities,
        importances=importances,
        fit_seconds=fitted - began + sum(each.fit_seconds for each in selections),
        predict_seconds=ended - fitted + sum(each.predict_seconds for each in selections),
        train_accuracy=train_accuracy,
        choice=Choice(last.chosen_, last.candidates_) if len(getattr(last, "candidates_", ())) > 1 else None,
        trainings=(*trainings, *find_trainings(classifier)),
        seconds=time.perf_counter() - started + elsewhere,
        peak_memory=peak_memory(),
    )


def _predict_in_parts(classifier: Any, X: Any) -> np.ndarray:
    """Predict some rows at a time, because a classifier that selects features copies all that it is asked."""
    return np.concatenate([np.asarray(classifier.predict(X[rows])) for rows in gen_batches(len(X), _AT_A_TIME)])


def _probabilities(classifier: Any, X: Any, y: np.ndarray, targets: Targets) -> np.ndarray | list[np.ndarray] | None:
    """Return the probability of each class in y, for each target if there are several.

    Return None for a classifier without probabilities, or without one array of them for each target.
    """
    if not hasattr(classifier, "predict_proba"):
        return None
    found, classes = classifier.predict_proba(X), targets.classes(y)
    if y.ndim == 1:
        return _align(found, classifier.classes_, classes[0])
    if not isinstance(found, list) or len(found) != len(classes):
        return None
    return [_align(*each) for each in zip(found, classifier.classes_, classes)]


def _align(found: np.ndarray, known: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Put the columns of the known classes among all classes; the column of an unknown class is zero.

    A column that is no class, such as that of a missing label, is left out.
    """
    probabilities = np.zeros((len(found), len(classes)), dtype=np.float32)
    known = np.asarray(known, dtype=classes.dtype)
    is_class = np.isin(known, classes)
    probabilities[:, np.searchsorted(classes, known[is_class])] = found[:, is_class]
    return probabilities


def _select(
    part: Part, features: np.ndarray, in_fold: np.ndarray | None, y: np.ndarray, groups: np.ndarray | None, fold: Fold
) -> Selected:
    train, test = (_columns(features, in_fold, side, part.columns) for side in (fold.train, fold.test))
    began = time.perf_counter()
    within = None if groups is None else groups[fold.train]
    selector, selected = fit_selector(part.selector, train, y[fold.train], within)
    fitted = time.perf_counter()
    tested = test if selector == "passthrough" else to_dense(selector.transform(test))
    ended = time.perf_counter()
    support = find_support(selector, len(part.columns))
    return Selected(to_dense(selected), tested, support, fitted - began, ended - fitted)


def _columns(
    features: np.ndarray, in_fold: np.ndarray | None, positions: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Select rows and columns of the two tables, whose columns are numbered as if they were side by side."""
    left = columns < features.shape[1]
    if in_fold is None or left.all():
        return _copy(features, positions, columns)
    chosen = np.empty((len(positions), len(columns)), dtype=np.float32)
    chosen[:, left] = _copy(features, positions, columns[left])
    chosen[:, ~left] = _copy(in_fold, positions, columns[~left] - features.shape[1])
    return chosen


def _copy(table: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Copy rows and columns of a table; of consecutive columns row by row, which is several times as fast."""
    found = as_slice(columns) if len(columns) else columns
    return table[rows, found] if isinstance(found, slice) else table[np.ix_(rows, found)]
