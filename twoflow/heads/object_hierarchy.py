"""Mid-level features: the outputs of binary classifiers for pairs of classes in a hierarchy."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..errors import InputError
from .dual_ridge import Kernel, compute_kernel, solve_one
from .groups import read_groups
from .inner_folds import draw_inner_folds
from .out_of_fold import answer_out_of_fold


class Pair(NamedTuple):
    """The question of one feature: is an image of a class in `first`, or of one in `second`?

    Attributes
    ----------
    first, second : tuple of int
        Positions in `classes_`.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]


class ObjectHierarchyFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Transform features into the outputs of binary classifiers, one for each pair of classes of a hierarchy.

    These are the mid-level features of Albaradei, Wang, Cao & Li (WACV 2014), the baseline of Iliukovich-Strakovskaia,
    Dral & Dral (2016). On low-level features, one classifier separates each pair of classes inside a superclass, and
    one each pair of superclasses. With 107 classes in ten superclasses these are some 560 classifiers, and not the
    5,671 of all pairs.

    Parameters
    ----------
    superclasses : mapping of class to superclass, optional
        The hierarchy. By default it is learned: the classes' mean features are clustered by Ward's method. The number
        of superclasses is about the square root of the number of classes.
    alpha : float
        The ridge penalty of the classifiers, as a share of the images' total variance; by default 0.01.
    cv : int
        The most folds that `fit_transform` uses, by default 5. There are no more folds than the smallest class has
        rows or groups, but at least two.
    random_state : int, RandomState or None
        Draws the folds. By default each call draws others.
    n_jobs : int, optional
        How many folds are fitted at the same time; by default one, or as joblib's context says.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    superclasses_ : ndarray of shape (n_classes,)
        The superclass of each class.
    pairs_ : list of Pair
        The question behind each feature.
    coef_ : ndarray of shape (n_pairs, n_features_in_)
        The classifiers, on features that `scaler_` has standardized. An output is near 1 for `Pair.first`, near -1 for
        `Pair.second`.
    intercept_ : ndarray of shape (n_pairs,)
    scaler_ : StandardScaler
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Notes
    -----
    ``fit_transform(X, y)`` differs from ``fit(X, y).transform(X)``. A classifier is overconfident on the images that it
    was fitted on, and a head fitted on such outputs would trust them too much.

    A classifier is a ridge regression solved in its dual, on the few rows of the kernel that belong to its pair. So
    hundreds of them take seconds, whatever the number of features.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from twoflow import ObjectHierarchyFeatures
    >>> X, y = load_iris(return_X_y=True)
    >>> hierarchy = ObjectHierarchyFeatures({0: "small", 1: "large", 2: "large"}, random_state=0)
    >>> hierarchy.fit_transform(X, y).shape, hierarchy.pairs_
    ((150, 2), [Pair(first=(1,), second=(2,)), Pair(first=(1, 2), second=(0,))])
    """

    _parameter_constraints: ClassVar[dict] = {
        "superclasses": [dict, None],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        superclasses: Mapping[Any, Any] | None = None,
        *,
        alpha: float = 0.01,
        cv: int = 5,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.superclasses = superclasses
        self.alpha = alpha
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit the classifiers.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Low-level features.
        y : array-like of shape (n,)
            Classes; at least two.
        groups : array-like of shape (n,), optional
            Only `fit_transform` uses them.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is one class only, or `superclasses` lacks a class.
        """
        self._fit(X, y)
        return self

    def fit_transform(self, X: Any, y: Any, groups: Any = None) -> np.ndarray:
        """Fit the classifiers, and ask for each training image others that were fitted on the other folds.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
            Classes; at least two. One of them needs two rows, or two groups.
        groups : array-like of shape (n,), optional
            Rows of one group are in one fold. By default each row is a group.

        Returns
        -------
        ndarray of shape (n, n_pairs) and dtype float32
            0 where the other folds lack one side of a pair.
        """
        kernel, codes = self._fit(X, y)
        groups = read_groups(groups)
        folds = draw_inner_folds(codes, groups, self.cv, check_random_state(self.random_state))

        def ask(train: np.ndarray, test: np.ndarray) -> np.ndarray:
            return self._ask_held_out(kernel, codes, train, test)

        rows, answers = answer_out_of_fold(ask, folds, self.n_jobs)
        outputs = np.zeros((len(codes), len(self.pairs_)), dtype=np.float32)
        outputs[rows] = answers
        return outputs

    def transform(self, X: Any) -> np.ndarray:
        """Ask the classifiers.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray of shape (n, n_pairs) and dtype float32
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float32)
        return self.scaler_.transform(X) @ self.coef_.T + self.intercept_

    def _fit(self, X: Any, y: Any) -> tuple[Kernel, np.ndarray]:
        """Fit, and return the kernel of the standardized features and the position of each image's class."""
        self._validate_params()
        X, y = validate_data(self, X, y, dtype=np.float32, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(f"expected at least 2 classes, got 1: {self.classes_[0]!s}; add images of another class")
        self.scaler_ = StandardScaler().fit(X)
        X = self.scaler_.transform(X)
        self.superclasses_ = self._find_superclasses(X, codes)
        self.pairs_ = _list_pairs(self.superclasses_)
        kernel = compute_kernel(X)
        everything = np.arange(len(codes))
        coef, intercept = [], []
        for pair in self.pairs_:
            rows, target = _find_sides(codes, everything, pair)
            coef.append(self._solve(kernel, rows, target) @ X[rows])
            intercept.append(target.mean() - coef[-1] @ X[rows].mean(axis=0))
        self.coef_ = np.stack(coef).astype(np.float32)
        self.intercept_ = np.array(intercept, dtype=np.float32)
        return kernel, codes

    def _solve(self, kernel: Kernel, rows: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the coefficients of the rows' kernels, of shape (n_rows,) and with sum 0."""
        n_rows = len(rows)
        # The ridge is relative to the mean diagonal of the kernel; alpha to the sum.
        share = np.full(n_rows, 1 / n_rows)
        return solve_one(kernel.take(rows), target[:, None], share, self.alpha * n_rows)[:, 0]

    def _find_superclasses(self, X: np.ndarray, codes: np.ndarray) -> np.ndarray:
        if self.superclasses is not None:
            missing = [label for label in self.classes_.tolist() if label not in self.superclasses]
            if missing:
                raise InputError(f"expected a superclass for each class, got none for {missing[0]!r}; add it")
            return np.array([self.superclasses[label] for label in self.classes_.tolist()])
        means = np.stack([X[codes == code].mean(axis=0) for code in range(len(self.classes_))])
        n_superclasses = round(len(means) ** 0.5)
        return fcluster(linkage(pdist(means), "ward"), n_superclasses, criterion="maxclust")

    def _ask_held_out(self, kernel: Kernel, codes: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Return the outputs for held-out images of classifiers fitted on the others, of shape (n_test, n_pairs)."""
        answers = np.zeros((len(test), len(self.pairs_)), dtype=np.float32)
        for i, pair in enumerate(self.pairs_):
            rows, target = _find_sides(codes, train, pair)
            if len(np.unique(target)) == 2:
                weights = self._solve(kernel, rows, target)
                intercept = target.mean() - kernel.gram[np.ix_(rows, rows)].mean(axis=0) @ weights
                answers[:, i] = kernel.gram[np.ix_(test, rows)] @ weights + intercept
        return answers

    @property
    def _n_features_out(self) -> int:
        return len(self.pairs_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _list_pairs(superclasses: np.ndarray) -> list[Pair]:
    """List each two classes of a superclass, then each two superclasses."""
    families = [tuple(np.flatnonzero(superclasses == name).tolist()) for name in np.unique(superclasses)]
    inside = [Pair((a,), (b,)) for family in families for a, b in combinations(family, 2)]
    return [*inside, *(Pair(first, second) for first, second in combinations(families, 2))]


def _find_sides(codes: np.ndarray, rows: np.ndarray, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Return those of some rows that belong to a pair, and their targets: 1 for the first side, -1 for the second."""
    first, second = np.isin(codes[rows], pair.first), np.isin(codes[rows], pair.second)
    chosen = first | second
    return rows[chosen], np.where(first[chosen], 1.0, -1.0)
