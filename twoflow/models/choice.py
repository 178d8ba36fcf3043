"""Choosing among models on the training side only."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..errors import InputError
from ..heads.dual_ridge import Kernel, Solution, compute_kernel, total
from ..heads.inner_folds import draw_inner_folds, fit_clone
from ..heads.kernel_ridge import KernelRidgeClassifier


class Candidate(NamedTuple):
    """A model to choose from.

    Attributes
    ----------
    name : str
    parts : sequence of (str, transformer or "passthrough", slice)
        As in a `ColumnTransformer`: a name, what some features pass through, and which. In all candidates the same name
        stands for the same part.
    head : classifier
        Decides on what comes out of all parts, side by side.
    """

    name: str
    parts: Sequence[tuple[str, Any, slice]]
    head: Any

    @property
    def columns(self) -> np.ndarray:
        """Which features its parts take, in the order of the parts."""
        return np.concatenate([np.arange(place.start, place.stop) for _, _, place in self.parts])

    def make_model(self) -> Pipeline:
        """An unfitted pipeline that takes those features."""
        ends = np.cumsum([place.stop - place.start for _, _, place in self.parts]).tolist()
        places = [slice(start, end) for start, end in zip([0, *ends], ends)]
        steps = [(name, part, place) for (name, part, _), place in zip(self.parts, places)]
        # What is parallel in parts and head is so on its own.
        return clone(Pipeline([("select", ColumnTransformer(steps, n_jobs=1)), ("head", self.head)]))


class BestOf(ClassifierMixin, BaseEstimator):
    """The candidate that does best on images it was not fitted on, all of them from the training side.

    Whatever is chosen by looking at the test images scores too high on them; here they are not looked at. A
    candidate whose head leaves images out itself, as `KernelRidgeClassifier` does in closed form, is judged by that;
    others are cross-validated. The candidates' order breaks ties, so let the cheaper come first.

    Parameters
    ----------
    candidates : sequence of Candidate
        Their parts and heads are cloned, and the clones fitted.
    cv : int
        Folds for those that must be cross-validated; fewer where a class has fewer rows or groups.
    random_state : int, RandomState or None
        Shuffles the images before they are folded.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    accuracy_ : dict of str to float
        By candidate, its accuracy on what it was not fitted on.
    chosen_ : str
        The name of the best.
    columns_ : ndarray of shape (n_columns,)
        The features that it takes.
    model_ : Pipeline
        Its fitted parts as "select" and its head as "head", for those features.
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
        kernels = _Kernels(X, y, [each for each in self.candidates if _is_dual(each)])
        folds = None
        best: tuple[Candidate, Pipeline, Solution | None] | None = None
        self.accuracy_: dict[str, float] = {}
        for candidate in self.candidates:
            model, solution = candidate.make_model(), None
            if _is_dual(candidate):
                solution = model["head"].fit_dual(kernels.of(candidate), y, groups)
                accuracy = model["head"].leave_out_accuracy_
            else:
                folds = folds or draw_inner_folds(y, groups, self.cv, check_random_state(self.random_state))
                accuracy = _cross_validated(model, X[:, candidate.columns], y, groups, folds)
            if accuracy > max(self.accuracy_.values(), default=-np.inf):
                best = candidate, model, solution
            self.accuracy_[candidate.name] = float(accuracy)
        if best is None:
            raise InputError("there must be a candidate to choose")
        candidate, self.model_, solution = best
        self.chosen_, self.columns_ = candidate.name, candidate.columns
        chosen = X[:, self.columns_]
        if solution is None:
            self.model_ = fit_clone(self.model_, chosen, y, groups)
        else:
            self.model_["head"].fit_primal(self.model_["select"].fit_transform(chosen, y), solution)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row, of shape (n,)."""
        return self.model_.predict(self._chosen(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, of shape (n, n_classes), in the order of `classes_`."""
        return self.model_.predict_proba(self._chosen(X))

    def _chosen(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float32, reset=False)[:, self.columns_]


def _is_dual(candidate: Candidate) -> bool:
    """Whether all that its head asks of the features is their kernel, which is the sum of the parts'."""
    return isinstance(candidate.head, KernelRidgeClassifier)


class _Kernels:
    """The kernels of all candidates' parts, each computed once.

    Where candidates are the same but for a part or two, the products of rows are most of the work. Parts that the same
    candidates have are kept as their sum.
    """

    def __init__(self, X: np.ndarray, y: np.ndarray, candidates: Sequence[Candidate]) -> None:
        parts = {name: (part, place) for candidate in candidates for name, part, place in candidate.parts}
        owners = {name: [each.name for each in candidates if name in (own for own, *_ in each.parts)] for name in parts}
        self._sums: dict[tuple[str, ...], Kernel] = {}
        for name, (part, place) in parts.items():
            values = X[:, place] if part == "passthrough" else clone(part).fit_transform(X[:, place], y)
            key = tuple(owners[name])
            self._sums[key] = total([compute_kernel(values), *([self._sums[key]] if key in self._sums else [])])

    def of(self, candidate: Candidate) -> Kernel:
        """The kernel of what a candidate's head is given."""
        return total([kernel for owners, kernel in self._sums.items() if candidate.name in owners])


def _cross_validated(
    model: Any, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None, folds: list[tuple[np.ndarray, np.ndarray]]
) -> float:
    """The share of rows that are classified rightly by a clone that has not seen them."""
    n_right = 0
    for train, test in folds:
        within = None if groups is None else groups[train]
        fitted = fit_clone(model, X[train], y[train], within)
        n_right += int((fitted.predict(X[test]) == y[test]).sum())
    return n_right / sum(len(test) for _, test in folds)
