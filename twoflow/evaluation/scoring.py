"""Fitting one row on one fold, and scoring it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import Pipeline

from .folds import Fold
from .plan import Part, Row


class Features(NamedTuple):
    """The features of all pictures: those that are the same in all folds, and those that were learnt in this one."""

    once: np.ndarray
    in_fold: np.ndarray | None

    def take(self, positions: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Those of some pictures, in columns of the two tables as if they stood side by side."""
        if self.in_fold is None:
            return self.once[np.ix_(positions, columns)]
        chosen = np.empty((len(positions), len(columns)), dtype=np.float32)
        left = columns < self.once.shape[1]
        chosen[:, left] = self.once[np.ix_(positions, columns[left])]
        chosen[:, ~left] = self.in_fold[np.ix_(positions, columns[~left] - self.once.shape[1])]
        return chosen


class Selected(NamedTuple):
    """What a selector, fitted on a fold, makes of its training and test pictures, and how long it took."""

    train: np.ndarray
    test: np.ndarray
    fit_seconds: float
    predict_seconds: float


class FoldScores(NamedTuple):
    """The scores of a row on a fold; see `RowScores`."""

    n_features: int | None
    accuracy: float
    macro_f1: float
    fit_seconds: float
    predict_seconds: float
    train_accuracy: float | None


def select(part: Part, features: Features, y: np.ndarray, fold: Fold) -> Selected:
    """Fit a clone of a part's selector on the training pictures of a fold."""
    train, test = (features.take(side, part.columns) for side in (fold.train, fold.test))
    if part.selector == "passthrough":
        return Selected(train, test, 0.0, 0.0)
    selector = clone(part.selector)
    began = time.perf_counter()
    train = _dense(selector.fit_transform(train, y[fold.train]))
    fitted = time.perf_counter()
    test = _dense(selector.transform(test))
    return Selected(train, test, fitted - began, time.perf_counter() - fitted)


def score_fold(row: Row, X: Any, y: np.ndarray, fold: Fold, shared: Mapping[str, Selected]) -> FoldScores:
    """Fit a clone of a row's classifier on a fold and score it.

    Parameters
    ----------
    row : Row
    X : Features, or a sequence of pictures
        The latter for a row without parts.
    y : ndarray of shape (n,)
    fold : Fold
    shared : mapping of str to Selected
        Parts that were selected already, for other rows too, by their keys.

    Returns
    -------
    FoldScores
    """
    selections: list[Selected] = []
    X_train: Any
    X_test: Any
    if row.parts is None:
        X_train, X_test = ([X[i] for i in side] for side in (fold.train, fold.test))
    else:
        selections = [shared[part.key] if part.key in shared else select(part, X, y, fold) for part in row.parts]
        X_train, X_test = map(_side_by_side, zip(*((selected.train, selected.test) for selected in selections)))
    classifier = clone(row.classifier)
    began = time.perf_counter()
    classifier.fit(X_train, y[fold.train])
    fitted = time.perf_counter()
    predicted = classifier.predict(X_test)
    ended = time.perf_counter()
    last = classifier[-1] if isinstance(classifier, Pipeline) else classifier
    return FoldScores(
        n_features=getattr(last, "n_features_in_", None),
        accuracy=float(accuracy_score(y[fold.test], predicted)),
        macro_f1=float(f1_score(y[fold.test], predicted, average="macro", zero_division=0)),
        fit_seconds=fitted - began + sum(each.fit_seconds for each in selections),
        predict_seconds=ended - fitted + sum(each.predict_seconds for each in selections),
        train_accuracy=getattr(last, "train_accuracy_", None),
    )


def _dense(features: Any) -> np.ndarray:
    return features.toarray() if sparse.issparse(features) else np.asarray(features)


def _side_by_side(tables: Sequence[np.ndarray]) -> np.ndarray:
    return tables[0] if len(tables) == 1 else np.hstack(tables)
