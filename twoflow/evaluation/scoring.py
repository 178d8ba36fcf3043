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


class Fitted(NamedTuple):
    """A selector that was fitted on the training images of a fold, and the seconds that it took.

    `support` marks the columns of the part that were kept; None if it computes new features.
    """

    selector: Any
    support: np.ndarray | None
    seconds: float


class Selected(NamedTuple):
    """The features that a fitted selector selects of a fold's training and test images.

    `fitted` is without the selector, which is not asked again. `seconds` is the time for the test images.
    """

    fitted: Fitted
    train: np.ndarray
    test: np.ndarray
    seconds: float


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
        fitted, train = _fit(part, features, in_fold, y, groups, fold)
        test, seconds = _apply(fitted, part, features, in_fold, fold)
        return Selected(fitted._replace(selector=None), train, test, seconds)


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
        parts = method.parts or ()
        fits = [
            (shared[part.key].fitted, shared[part.key].train) if part.key in shared
            else _fit(part, X, in_fold, y, groups, fold)
            for part in parts
        ]
        fitted = [own for own, _ in fits]
        origins = [Origin(part.flows, own.support, train.shape[1]) for part, (own, train) in zip(parts, fits)]
        trains = [train for _, train in fits]
        X_train: Any = [X[i] for i in fold.train] if method.parts is None else side_by_side(trains)
        del fits, trains
        began = time.perf_counter()
        within = None if groups is None else groups[fold.train]
        classifier = fit_clone(method.classifier, X_train, y[fold.train], within)
        fit_seconds = time.perf_counter() - began + sum(own.seconds for own in fitted)
        last = steps_to_decision(classifier)[-1]
        # A classifier of images that knows its accuracy does not read all training images again. That of several
        # targets is the mean over them, but an exact match is tested.
        train_accuracy = getattr(last, "train_accuracy_", None)
        if train_accuracy is None or len(targets.names) > 1:
            tested = next(iter(scores_for(targets).values()))
            again = Given(_predict_in_parts(classifier, X_train))
            train_accuracy = tested(Scored(y[fold.train], again, targets.tree))
        importances = None if method.parts is None else share_of_flows(classifier, X_train, origins)
        del X_train  # before the test features are copied; those of both may take gigabytes
        sides = [
            (shared[part.key].test, shared[part.key].seconds) if part.key in shared
            else _apply(own, part, X, in_fold, fold)
            for part, own in zip(parts, fitted)
        ]
        X_test: Any = [X[i] for i in fold.test] if method.parts is None else side_by_side([test for test, _ in sides])
        began = time.perf_counter()
        predicted = np.asarray(classifier.predict(X_test))
        predict_seconds = time.perf_counter() - began + sum(seconds for _, seconds in sides)
        full = np.asarray(classifier.predict_full(X_test)) if hasattr(classifier, "predict_full") else None
        scope = classifier.scope_scores(X_test) if hasattr(classifier, "scope_scores") else None
        probabilities = _probabilities(classifier, X_test, y, targets)
    elsewhere = sum(each.fitted.seconds + each.seconds for each in shared.values())
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
        fit_seconds=fit_seconds,
        predict_seconds=predict_seconds,
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


def _fit(
    part: Part, features: np.ndarray, in_fold: np.ndarray | None, y: np.ndarray, groups: np.ndarray | None, fold: Fold
) -> tuple[Fitted, np.ndarray]:
    """Fit the selector of a part; return it, and the features of the training images that it selects."""
    train = _columns(features, in_fold, fold.train, part.columns)
    began = time.perf_counter()
    within = None if groups is None else groups[fold.train]
    selector, selected = fit_selector(part.selector, train, y[fold.train], within)
    seconds = time.perf_counter() - began
    return Fitted(selector, find_support(selector, len(part.columns)), seconds), to_dense(selected)


def _apply(
    fitted: Fitted, part: Part, features: np.ndarray, in_fold: np.ndarray | None, fold: Fold
) -> tuple[np.ndarray, float]:
    """Return the features of the test images that a fitted selector selects, and the seconds for it."""
    test = _columns(features, in_fold, fold.test, part.columns)
    began = time.perf_counter()
    selected = test if isinstance(fitted.selector, str) else to_dense(fitted.selector.transform(test))
    return selected, time.perf_counter() - began


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
