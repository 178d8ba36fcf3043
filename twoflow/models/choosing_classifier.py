"""Judge candidates for the selectors and head of a model on held-out rows of features, and fit the best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import joblib
import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.pipeline import make_pipeline
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted, validate_data

from ..errors import InputError
from ..heads.composition import PartsByName
from ..heads.dual_ridge import Kernel, Solution, compute_kernel, fits_from_kernel, total
from ..heads.feature_kernel import FeatureKernel
from ..heads.groups import read_groups
from ..heads.inner_folds import draw_inner_folds, fit_clone
from ..heads.inner_folds.drawing import InnerFolds
from ..heads.kernel_weight import KernelWeight
from ..heads.multi_target.chain import use_more_columns
from ..heads.needed_memory import least_memory
from ..heads.out_of_fold import answer_out_of_fold
from ..heads.targets import check_targets, learns_several_targets
from ..heads.ties import first_of_best
from .delegation import DelegatedPredictions
from .selecting_classifier import SelectingClassifier, fit_selector, to_dense


class ChoosingClassifier(DelegatedPredictions, PartsByName, ClassifierMixin, _BaseComposition):
    """Fit the candidate, of several, that is best on held-out training rows.

    `BestOf` fits this on the features. All candidates are judged in the same way. If every head can be fitted from the
    kernel alone, such as `KernelRidgeClassifier`, each row (or group) is left out in closed form. Otherwise the
    candidates are cross-validated. At a tie, within a millionth, the first candidate is chosen: put cheaper ones first.

    With ``weights="leave-out"`` the selections of a candidate get the weights with which left-out rows are predicted
    best. A selection of weight zero is left out of the candidate.

    Parameters
    ----------
    candidates : list of (str, SelectingClassifier)
        Names and candidates, all on the same features. Clones of them are fitted.
    cv : int, default=4
        The number of folds; fewer if a class has fewer rows or groups. It has no effect if rows are left out in closed
        form.
    weights : {"equal", "leave-out"}, default="equal"
        How much the selections of a candidate count beside each other. With "leave-out" their weights are found on the
        training rows; see `twoflow.heads.flow_weights.weigh_kernels`. It has no effect if a head cannot be fitted from
        the kernel alone.
    random_state : int, RandomState or None, default=None
        Shuffles the rows before folds are drawn. With None each fit draws other folds.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    candidates_ : dict of str to float
        The accuracy of each candidate on held-out rows. That of the best is optimistic, because it was chosen by it: on
        new images expect less.
    chosen_ : str
        The name of the best candidate.
    best_ : SelectingClassifier
        The best candidate, fitted on all rows. Behind the selectors that have weights is a `KernelWeight`.
    weights_ : dict of str to float
        The weight of each selection of the best candidate. The mean is 1; those of weight 0 are not in `best_`.
    n_features_in_ : int
    """

    _parameter_constraints: ClassVar[dict] = {
        "candidates": [list, tuple],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "weights": [StrOptions({"equal", "leave-out"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        candidates: Sequence[tuple[str, SelectingClassifier]],
        *,
        cv: int = 4,
        weights: str = "equal",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.candidates = candidates
        self.cv = cv
        self.weights = weights
        self.random_state = random_state

    @property
    def _named_parts(self) -> Sequence[tuple[str, Any]]:
        return self.candidates

    @_named_parts.setter
    def _named_parts(self, parts: Sequence[tuple[str, Any]]) -> None:
        self.candidates = parts

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Judge the candidates, and fit the best on all rows.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, k)
            Classes. With several targets, all of them if the heads can learn them at once; the mean of their accuracies
            is what counts.
        groups : array-like of shape (n,), optional
            Rows of one group are held out together. Default: no groups.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no candidate.
        """
        self._validate_params()
        if not self.candidates:
            raise InputError("candidates: expected at least one candidate, got none")
        X, y = validate_data(self, X, y, dtype=np.float32, multi_output=True)
        y = check_targets(y)
        groups = read_groups(groups)
        is_dual = all(fits_from_kernel(candidate.head) for _, candidate in self.candidates)
        choose = self._choose_by_leaving_out if is_dual else self._choose_by_cross_validation
        self.best_ = choose(X, y, groups)
        self.classes_ = self.best_.classes_
        return self

    def least_memory(self, n_rows: int, n_features: int) -> int:
        """Return the bytes that `fit` takes at least: those of the candidate that takes most."""
        return max(least_memory(candidate, n_rows, n_features) for _, candidate in self.candidates)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = all(learns_several_targets(candidate) for _, candidate in self.candidates)
        return tags

    def _delegate(self) -> Any:
        return getattr(self, "best_", self.candidates[0][1])

    def _inputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float32, reset=False)

    def _choose_by_leaving_out(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None) -> SelectingClassifier:
        selections = _Selections(X, y, groups, [candidate for _, candidate in self.candidates])
        self.candidates_: dict[str, float] = {}
        best: tuple[SelectingClassifier, np.ndarray, Any, Solution]
        for position, (name, candidate) in enumerate(self.candidates):
            head, kernels = clone(candidate.head), selections.kernels_of(candidate)
            weights = np.ones(len(kernels)) if self.weights == "equal" else head.weigh_kernels(kernels, y, groups)
            solution = head.fit_dual(selections.total(candidate, weights), y, groups)
            self.candidates_[name] = head.leave_out_accuracy_
            if first_of_best([*self.candidates_.values()]) == position:
                self.chosen_, best = name, (candidate, weights, head, solution)
        candidate, weights, head, solution = best
        self.weights_ = {name: float(weight) for (name, _, _), weight in zip(candidate.selections, weights)}
        return selections.fitted(candidate, weights, head, solution)

    def _choose_by_cross_validation(
        self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None
    ) -> SelectingClassifier:
        folds = draw_inner_folds(y, groups, self.cv, check_random_state(self.random_state))
        self.candidates_ = {
            name: _cross_validated(candidate, X, y, groups, folds) for name, candidate in self.candidates
        }
        self.chosen_ = list(self.candidates_)[first_of_best([*self.candidates_.values()])]
        chosen = dict(self.candidates)[self.chosen_]
        self.weights_ = {name: 1.0 for name, _, _ in chosen.selections}
        return fit_clone(chosen, X, y, groups)


@use_more_columns.register
def _(estimator: ChoosingClassifier, start: int, widths: Sequence[int]) -> ChoosingClassifier:
    """Let each candidate use the columns; their weights are found as those of flows are."""
    candidates = [(name, use_more_columns(candidate, start, widths)) for name, candidate in estimator.candidates]
    return clone(estimator).set_params(candidates=candidates)


class _Selections:
    """The selections of the candidates. Each selector is fitted once, and a kernel that candidates share computed once.

    A kernel that only one candidate has is computed where it is needed, and not kept.
    """

    def __init__(
        self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None, candidates: Sequence[SelectingClassifier]
    ) -> None:
        self._n_features = X.shape[1]
        self._selectors: dict[str, Any] = {}
        self._tables: dict[str, np.ndarray] = {}
        n_candidates: Counter[str] = Counter()
        for candidate in candidates:
            keys = dict(zip(_keys(candidate), candidate.selections))
            n_candidates.update(list(keys))
            for key, (_, selector, columns) in keys.items():
                if key not in self._tables:
                    self._selectors[key], selected = fit_selector(selector, X[:, columns], y, groups)
                    self._tables[key] = to_dense(selected)
        self._shared = {
            key: compute_kernel(self._tables[key]).halved() for key, number in n_candidates.items() if number > 1
        }

    def kernels_of(self, candidate: SelectingClassifier) -> list[Kernel | FeatureKernel]:
        """Return the kernel of each selection of a candidate."""
        return [self._shared.get(key, FeatureKernel([self._tables[key]])) for key in _keys(candidate)]

    def total(self, candidate: SelectingClassifier, weights: np.ndarray) -> Kernel | FeatureKernel:
        """Return the kernel of the weighted selections of a candidate, side by side."""
        if self._shared.keys().isdisjoint(_keys(candidate)):
            return self._features(candidate, weights)
        return total((kernel.compute() for kernel in self.kernels_of(candidate)), weights)

    def fitted(
        self, candidate: SelectingClassifier, weights: np.ndarray, head: Any, solution: Solution
    ) -> SelectingClassifier:
        """Return a candidate whose selections are multiplied by their weights, and whose head has a solution.

        Selections of weight zero are left out.
        """
        selections, selectors = [], {}
        for (name, selector, columns), key, weight in zip(candidate.selections, _keys(candidate), weights.tolist()):
            if weight == 0:
                continue
            own = self._selectors[key]
            if weight != 1:
                factor = KernelWeight(weight)
                selector, own = make_pipeline(selector, factor), make_pipeline(own, factor.fit(self._tables[key]))
            selections.append((name, selector, columns))
            selectors[name] = own
        fitted = clone(SelectingClassifier(selections, candidate.head))
        fitted.head_ = head.fit_primal(self._features(candidate, weights), solution)
        fitted.selectors_, fitted.classes_, fitted.n_features_in_ = selectors, head.classes_, self._n_features
        return fitted

    def _features(self, candidate: SelectingClassifier, weights: np.ndarray) -> FeatureKernel:
        tables = [self._tables[key] for key in _keys(candidate)]
        counted = np.flatnonzero(weights).tolist()
        return FeatureKernel([tables[i] for i in counted], weights[counted])


def _keys(candidate: SelectingClassifier) -> list[str]:
    """Return a key for each selection, equal for the same selector on the same columns."""
    return [joblib.hash((selector, columns)) for _, selector, columns in candidate.selections]


def _cross_validated(model: Any, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None, folds: InnerFolds) -> float:
    """Return the cross-validated accuracy: each row is classified by a clone that was fitted on the other folds."""

    def ask(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        return fit_clone(model, X[train], y[train], None if groups is None else groups[train]).predict(X[test])

    rows, predicted = answer_out_of_fold(ask, folds)
    return float((predicted == y[rows]).mean())
