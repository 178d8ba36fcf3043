"""Classify by ridge regression of class indicators, for few rows and many columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_array
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from ..errors import InputError
from ..images.targets import all_right, join_targets, split_targets, to_targets
from ..images.validation import to_values
from .calibration import fit_temperature
from .class_balance import weigh_classes
from .confident_learning import find_confident
from .dual_ridge import Kernel, Solution, score_dropped, split_columns
from .feature_kernel import FeatureKernel
from .flow_weights import weigh_kernels
from .groups import require_several
from .kernel_terms import RowTerms, row_terms
from .needed_memory import memory_of_products
from .targets import check_targets
from .ties import credit


class KernelRidgeClassifier(ClassifierMixin, BaseEstimator):
    """Classify by ridge regression of class indicators, solved in its dual, with calibrated probabilities.

    The linear system has as many unknowns as rows, or as columns if there are more than two rows for each; see
    `twoflow.heads.feature_kernel`. So a few thousand rows may have 100,000 columns, and 100,000 rows a few thousand.
    The kernel is linear. If a row holds the features of several flows side by side, each of unit norm, the kernel is
    the sum of the flows' kernels.

    It also learns several targets at once: their indicators are side by side, and all have the same ridge.

    Leave-one-out predictions choose the ridge and calibrate the probabilities. They are computed in closed form, and
    are exact, the centering included.

    Parameters
    ----------
    alphas : sequence of float
        Ridges to choose from, by default seven from 0.003 to 3. They are multiples of the mean diagonal of the centered
        kernel, so they mean the same for features of any scale. Features of float32 get at least the ridge that makes
        up for their rounding, about 1e-7 for each row.
    class_weight : dict, list of dict, "balanced" or None
        As in scikit-learn, but all weights must be positive. Only their ratios count. By default all are equal. With
        several targets, a dict has the classes of all of them, a list has a dict for each, and a row counts the mean of
        what its labels count.
    label_noise : {"keep", "drop"}
        With "drop" the model is fitted again without the rows whose label is probably wrong: the rows that are
        confidently of another class, by confident learning (Northcutt, Jiang & Chuang, 2021,
        https://doi.org/10.1613/jair.1.12125). At least two rows of each class are kept, if it has two. The default
        "keep" uses all rows, and is needed for several targets.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of k such arrays for several targets
    alpha_ : float
        The ridge of highest leave-out accuracy; `twoflow.heads.dual_ridge.solve` says what decides a tie.
    temperature_ : float, or ndarray of shape (k,) for several targets
        Probabilities are the softmax of the indicators' predictions divided by this.
    coef_ : ndarray of shape (n_classes, n_features_in_), or (1, n_features_in_) for two classes
        The coefficients, in the dtype of the features. For two classes, those of the second minus those of the first.
        With several targets, those of all classes of the first target, then those of the second, and so on.
    intercept_ : ndarray of shape (n_classes,) or (1,)
    dual_coef_ : ndarray of shape (n_kept, n_classes), or (n_kept, 1) for two classes
        The coefficients of the kept training rows' kernels. Each column sums to 0; see `row_terms`.
    kept_ : ndarray of bool and shape (n,)
        The training rows that the model is fitted on.
    leave_out_probabilities_ : ndarray of shape (n, n_classes)
        For each training row, dropped ones included, by a model fitted on the kept rows without this row and its group.
        With several targets, a list with one such array for each.
    leave_out_accuracy_ : float
        The accuracy of these probabilities on all training rows, weighted by class; with several targets, its mean. It
        is optimistic, because the ridge was chosen by it.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Notes
    -----
    `twoflow.heads.dual_ridge` derives the leave-out predictions from the model that is fitted on all rows. There is no
    `sample_weight`: a row given twice is left out once, so it says less of a ridge than a row of weight two.

    With a fifth of the labels of digits wrong, ``label_noise="drop"`` gains 0.5 to 2 points of accuracy on average; on
    fifty look-alike sneakers it gains nothing. With all labels right it costs up to 0.5 points on digits and 1.4 on
    sneakers. On our photographs an RBF kernel is no better than the linear one.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from twoflow.heads import KernelRidgeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = KernelRidgeClassifier().fit(X, y)
    >>> model.predict(X[:2]), model.coef_.shape
    (array([0, 0]), (3, 4))
    """

    _parameter_constraints: ClassVar[dict] = {
        "alphas": ["array-like"],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "label_noise": [StrOptions({"keep", "drop"})],
    }

    def __init__(
        self,
        alphas: Sequence[float] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
        *,
        class_weight: Mapping[Any, float] | Sequence[Mapping[Any, float]] | str | None = None,
        label_noise: str = "keep",
    ) -> None:
        self.alphas = alphas
        self.class_weight = class_weight
        self.label_noise = label_noise

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Solve for each ridge, and keep the best.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, k)
            Classes; at least two of each target.
        groups : array-like of shape (n,), optional
            Rows of one group, such as photos of one item, are left out together. Otherwise a model would be asked for
            near copies of rows that it was fitted on, and the smallest ridge would look best. By default each row is
            a group.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is one class only, or one group only.
        """
        several = self.label_noise == "keep"
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], multi_output=several, ensure_min_samples=2)
        features = FeatureKernel([X])
        return self.fit_primal(features, self.fit_dual(features, y, groups))

    def fit_dual(self, kernel: Kernel | FeatureKernel, y: Any, groups: Any = None) -> Solution:
        """Fit from the kernel alone, for callers that try several sums of kernels.

        A classifier with this method, `fit_primal` and `weigh_kernels` says so by them; see
        `twoflow.heads.dual_ridge.fits_from_kernel`.

        Parameters
        ----------
        kernel : Kernel or FeatureKernel
            Of n rows; see `twoflow.heads.dual_ridge`.
        y : array-like of shape (n,) or (n, k)
        groups : array-like of shape (n,), optional

        Returns
        -------
        Solution
            What `fit_primal` takes.
        """
        alphas, codes, groups = self._check(y, groups)
        if self.label_noise == "drop":
            solution, scores, weights, kept = self._solve_credible(kernel.compute(), codes, groups, alphas)
        else:
            solution, weights = self._solve(kernel, codes, groups, alphas)
            scores, kept = solution.scores, np.ones(len(codes), dtype=bool)

        self.kept_ = kept
        self.alpha_ = solution.alpha
        by_target = list(zip(split_columns(scores, self._sizes), codes.T, weights.T))
        temperatures = [fit_temperature(own[kept], right[kept], weight[kept]) for own, right, weight in by_target]
        proba = [softmax(own / temperature, axis=1) for (own, _, _), temperature in zip(by_target, temperatures)]
        several = len(by_target) > 1
        self.temperature_ = np.array(temperatures) if several else temperatures[0]
        self.leave_out_probabilities_ = proba if several else proba[0]
        accuracies = [np.average(credit(own, right), weights=weight) for own, right, weight in by_target]
        self.leave_out_accuracy_ = float(np.mean(accuracies))
        return solution

    def fit_primal(self, features: FeatureKernel, solution: Solution) -> Self:
        """Compute the coefficients, after `fit_dual`.

        Parameters
        ----------
        features : FeatureKernel
            The features that the kernel was computed from. The coefficients are those of weighted features.
        solution : Solution
            The result of `fit_dual`.

        Returns
        -------
        self
        """
        if not self.kept_.all():
            features = features.take(self.kept_)
        coef, intercept = features.to_primal(solution)
        two = self._sizes == [2]
        self.coef_ = np.diff(coef, axis=0) if two else coef
        self.intercept_ = (np.diff(intercept) if two else intercept).astype(coef.dtype)
        self.dual_coef_ = (np.diff(solution.dual, axis=1) if two else solution.dual).astype(coef.dtype)
        self.n_features_in_ = features.n_features
        return self

    def weigh_kernels(self, kernels: Sequence[Kernel | FeatureKernel], y: Any, groups: Any = None) -> np.ndarray:
        """Find how much each of several kernels should count, from leave-out predictions.

        Rows whose label is probably wrong count as all others, whatever `label_noise` is.

        Parameters
        ----------
        kernels : sequence of Kernel or FeatureKernel
            One for each flow, of the same n rows.
        y, groups
            See `fit_dual`.

        Returns
        -------
        ndarray of shape (n_kernels,)
            See `twoflow.heads.flow_weights.weigh_kernels`.
        """
        alphas, codes, groups = self._check(y, groups)
        return weigh_kernels(
            kernels, self._indicators(codes), _share(self._row_weights(codes)), groups, alphas, self._sizes
        )

    def least_memory(self, n_rows: int, n_features: int) -> int:
        """Return the bytes that `fit` takes at least, beside the features; see `twoflow.heads.needed_memory`."""
        return memory_of_products(n_rows, n_features)

    @available_if(lambda self: not isinstance(getattr(self, "classes_", None), list))
    def decision_function(self, X: Any) -> np.ndarray:
        """Predict the indicators of the classes; only for one target.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray of shape (n, n_classes), or (n,) for two classes
            For two classes, the indicator of the second minus that of the first.
        """
        (scores,) = self._scores(X)
        return scores[:, 0] if self._sizes == [2] else scores

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class of each row, of shape (n,); with several targets, of shape (n, k)."""
        answers = [
            own[(scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(axis=1)]
            for scores, own in zip(self._scores(X), self._by_target)
        ]
        return join_targets(answers) if len(answers) > 1 else answers[0]

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, of shape (n, n_classes), in the order of `classes_`.

        With several targets, return a list with one such array for each.
        """
        answers, by_target = [], self._scores(X)
        for scores, temperature in zip(by_target, np.atleast_1d(self.temperature_)):
            scores = scores.astype(np.float64)
            if scores.shape[1] == 1:
                scores = np.column_stack([np.zeros(len(scores)), scores])
            answers.append(softmax(scores / temperature, axis=1))
        return answers if len(answers) > 1 else answers[0]

    def _scores(self, X: Any) -> list[np.ndarray]:
        """Return the scores of each target's classes; of a single target with two classes, their difference."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        scores = X @ self.coef_.T + self.intercept_
        return split_columns(scores, self._sizes) if len(self._sizes) > 1 else [scores]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy; with several targets, the share of rows whose targets are all right.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, k)
            The true classes.
        sample_weight : array-like of shape (n,), optional
            The weight of each row. By default all count the same.
        """
        return float(np.average(all_right(to_targets(y), self.predict(X)), weights=sample_weight))

    def row_terms(self, training: Any, x: Any) -> RowTerms:
        """Write the scores of one row as sums over the training rows: what each of them says for or against a class.

        Parameters
        ----------
        training : array-like of shape (n, n_features)
            The rows that the classifier was fitted on, in the same order. Those that it dropped have no term.
        x : array-like of shape (n_features,)

        Returns
        -------
        RowTerms
            Of the rows that `kept_` marks. The sum of terms and constant is the result of `decision_function`.

        Raises
        ------
        ValueError
            If these are not the training rows.
        """
        check_is_fitted(self)
        if not hasattr(self, "dual_coef_"):
            raise InputError("the model was saved without dual_coef_, by an earlier version; fit and save it again")
        training, x = check_array(training, dtype=[np.float64, np.float32]), check_array([x], dtype=self.coef_.dtype)[0]
        if len(training) != len(self.kept_):
            raise InputError(f"training: expected the {len(self.kept_)} rows that the classifier was fitted on, got "
                             f"{len(training)}; pass all of them, in the same order")
        kept = training if self.kept_.all() else training[self.kept_]
        return row_terms(kept, x, self.dual_coef_, self.coef_, self.intercept_)

    def _check_alphas(self) -> np.ndarray:
        try:
            alphas = np.asarray(self.alphas, dtype=np.float64)
        except (TypeError, ValueError):
            alphas = np.empty(0)
        if alphas.ndim != 1 or not len(alphas) or not (np.isfinite(alphas) & (alphas > 0)).all():
            raise InputError(f"alphas must be a sequence of one or more positive numbers, got {self.alphas!r}")
        return alphas

    def _check(self, y: Any, groups: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Check the parameters, and remember the classes.

        Return the ridges, the class number of each row and target, of shape (n, k), and the group number of each row.
        """
        self._validate_params()
        alphas = self._check_alphas()
        found = [np.unique(target, return_inverse=True) for target in split_targets(check_targets(y))]
        classes = [own for own, _ in found]
        if len(classes) > 1 and self.label_noise == "drop":
            raise InputError(
                f'label_noise="drop": expected one target, got {len(classes)}; learn each by a classifier of its own, '
                'such as MultiTargetClassifier with strategy="separate"'
            )
        self.classes_ = classes if len(classes) > 1 else classes[0]
        codes = np.column_stack([numbers for _, numbers in found])
        return alphas, codes, _encode_groups(groups, len(codes))

    @property
    def _by_target(self) -> list[np.ndarray]:
        """The classes of each target, also of a single one."""
        return self.classes_ if isinstance(self.classes_, list) else [self.classes_]

    @property
    def _sizes(self) -> list[int]:
        """The number of classes of each target."""
        return [len(own) for own in self._by_target]

    def _solve(
        self, kernel: Kernel | FeatureKernel, codes: np.ndarray, groups: np.ndarray, alphas: np.ndarray
    ) -> tuple[Solution, np.ndarray]:
        """Return the best solution for some rows, and the weight of each row by each of its labels."""
        weights = self._row_weights(codes)
        return kernel.solve(self._indicators(codes), _share(weights), groups, alphas, self._sizes), weights

    def _solve_credible(
        self, kernel: Kernel, codes: np.ndarray, groups: np.ndarray, alphas: np.ndarray
    ) -> tuple[Solution, np.ndarray, np.ndarray, np.ndarray]:
        """Solve for the rows whose label is credible; return the solution, and the scores, weights and mask of all."""
        solution, weights = self._solve(kernel, codes, groups, alphas)
        scores, (own,), weight = solution.scores, codes.T, weights[:, 0]
        temperature = fit_temperature(scores, own, weight)
        kept = _find_credible(softmax(scores / temperature, axis=1), own)
        if kept.all() or len(np.unique(groups[kept])) < 2:
            return solution, scores, weights, np.ones(len(codes), dtype=bool)
        solution, _ = self._solve(kernel.take(kept), codes[kept], groups[kept], alphas)
        scores = np.empty_like(scores)
        scores[kept] = solution.scores
        scores[~kept] = score_dropped(kernel.gram, groups, kept, solution)
        return solution, scores, self._row_weights(codes, kept), kept

    def _indicators(self, codes: np.ndarray) -> np.ndarray:
        """Return the class indicators of all targets, side by side."""
        return np.hstack([np.eye(size)[own] for size, own in zip(self._sizes, codes.T)])

    def _row_weights(self, codes: np.ndarray, counted: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the weight of each row by each of its labels, of shape (n, k).

        Of the rows, only the `counted` ones say how frequent a class is.
        """
        given = self.class_weight if isinstance(self.class_weight, list) else [self.class_weight] * codes.shape[1]
        weights = [
            weigh_classes(each, own, own[column[counted]])[column]
            for each, own, column in zip(given, self._by_target, codes.T, strict=True)
        ]
        if not all((np.isfinite(weight) & (weight > 0)).all() for weight in weights):
            raise InputError(f"expected positive weights in class_weight, got {self.class_weight!r}; correct them")
        return np.column_stack(weights)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = self.label_noise == "keep"
        return tags


def _share(weights: np.ndarray) -> np.ndarray:
    """Return the share of each row in the fit, from its weights by each target."""
    return (weights / weights.sum(axis=0)).mean(axis=1)


def _encode_groups(groups: Any, n_rows: int) -> np.ndarray:
    """Return a number for each row's group; without groups each row is one."""
    if groups is None:
        return np.arange(n_rows)
    groups = column_or_1d(to_values("groups", groups))
    if len(groups) != n_rows:
        raise InputError(f"expected a group for each of the {n_rows} rows, got {len(groups)}; give one for each row")
    require_several(groups)
    return np.unique(groups, return_inverse=True)[1]


def _find_credible(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Mark the rows that are not confidently of another class than their label; see `label_noise`."""
    rows = np.arange(len(codes))
    own = probabilities[rows, codes]
    confident, _ = find_confident(probabilities, codes)
    credible = (confident < 0) | (confident == codes) | (probabilities[rows, confident] <= own)
    for code in range(probabilities.shape[1]):
        members = np.flatnonzero(codes == code)
        if credible[members].sum() < 2:
            credible[members[np.argsort(-own[members], kind="stable")[:2]]] = True
    return credible
