"""Choosing among models on the training side only."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .grouping import fit_parameters
from .kernel_ridge import KernelRidgeClassifier


class Candidate(NamedTuple):
    """A model to choose from: its name, the columns of the features that it is given, and a pipeline of features."""

    name: str
    columns: np.ndarray
    model: Any


class BestOf(ClassifierMixin, BaseEstimator):
    """The candidate that does best on pictures it was not fitted on, all of them from the training side.

    Whatever is chosen by looking at the test pictures scores too high on them; here they are not looked at. A
    candidate whose last step leaves pictures out itself, as `KernelRidgeClassifier` does in closed form, is judged by
    that and fitted once; others are cross-validated. The candidates' order breaks ties, so let the cheaper come first.

    Parameters
    ----------
    candidates : sequence of Candidate
        Their models are cloned, and the clones fitted.
    cv : int
        Folds for those that must be cross-validated; fewer where a class has fewer pictures or groups.
    random_state : int, RandomState or None
        Shuffles the pictures before they are folded.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    accuracy_ : dict of str to float
        By candidate, its accuracy on what it was not fitted on.
    chosen_ : Candidate
        Of its model, the fitted clone.
    n_features_in_ : int
    """

    _parameter_constraints: ClassVar[dict] = {
        "candidates": ["array-like"],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        candidates: Sequence[Candidate],
        *,
        cv: int = 4,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.candidates = candidates
        self.cv = cv
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Judge the candidates and fit the best on everything.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
            Classes.
        groups : array-like of shape (n,), optional
            Rows of one group are never on both sides of a trial.

        Returns
        -------
        self
        """
        self._validate_params()
        X, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        groups = None if groups is None else np.asarray(groups)
        folds = None
        self.accuracy_: dict[str, float] = {}
        for candidate in self.candidates:
            chosen_columns = X[:, candidate.columns]
            model: Any = None
            if isinstance(candidate.model[-1], KernelRidgeClassifier):
                model = clone(candidate.model).fit(chosen_columns, y, **fit_parameters(candidate.model, groups))
                accuracy = model[-1].leave_out_accuracy_
            else:
                folds = folds or self._folds(y, groups)
                accuracy = _cross_validated(candidate.model, chosen_columns, y, groups, folds)
            if accuracy > max(self.accuracy_.values(), default=-np.inf):
                self.chosen_ = candidate._replace(model=model)
            self.accuracy_[candidate.name] = float(accuracy)
        if self.chosen_.model is None:
            model = next(each.model for each in self.candidates if each.name == self.chosen_.name)
            fitted = clone(model).fit(X[:, self.chosen_.columns], y, **fit_parameters(model, groups))
            self.chosen_ = self.chosen_._replace(model=fitted)
        self.classes_ = self.chosen_.model.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row, of shape (n,)."""
        return self.chosen_.model.predict(self._columns(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, of shape (n, n_classes), in the order of `classes_`."""
        return self.chosen_.model.predict_proba(self._columns(X))

    def _columns(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float32, reset=False)[:, self.chosen_.columns]

    def _folds(self, y: np.ndarray, groups: np.ndarray | None) -> list[tuple[np.ndarray, np.ndarray]]:
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        n_least = min(np.unique(y[_firsts(y, groups)], return_counts=True)[1])
        splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
        n_splits = max(2, min(self.cv, n_least))
        return list(splitter(n_splits, shuffle=True, random_state=seed).split(y, y, groups))


def _firsts(y: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """The first row of each group within each class."""
    if groups is None:
        return np.arange(len(y))
    pairs = np.stack([np.unique(y, return_inverse=True)[1], np.unique(groups, return_inverse=True)[1]])
    return np.unique(pairs, axis=1, return_index=True)[1]


def _cross_validated(
    model: Any, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None, folds: list[tuple[np.ndarray, np.ndarray]]
) -> float:
    """The share of rows that are classified rightly by a clone that has not seen them."""
    n_right = 0
    for train, test in folds:
        within = None if groups is None else groups[train]
        fitted = clone(model).fit(X[train], y[train], **fit_parameters(model, within))
        n_right += int((fitted.predict(X[test]) == y[test]).sum())
    return n_right / sum(len(test) for _, test in folds)
