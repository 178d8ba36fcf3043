"""Mid-level features: how an image falls on each of many small questions about the hierarchy of classes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from joblib import Parallel, delayed
from scipy import linalg
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..errors import InputError


class Pair(NamedTuple):
    """One question: is it one of `first` or one of `second`? Both are sets of positions in `classes_`."""

    first: tuple[int, ...]
    second: tuple[int, ...]


class ObjectHierarchyFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The outputs of binary classifiers, one for each pair of classes of an object hierarchy.

    The mid-level features of Albaradei, Wang, Cao & Li (WACV 2014), the baseline of Iliukovich-Strakovskaia, Dral &
    Dral (2016). Given low-level features, one classifier separates each pair of classes inside a superclass, and one
    each pair of superclasses: with 107 classes in ten superclasses some 560 classifiers; all pairs would be 5,671.

    Parameters
    ----------
    superclasses : mapping of class to superclass, optional
        The hierarchy. When not given it is learned: the classes' mean features are clustered (Ward's method) into about
        as many superclasses as the square root of the number of classes.
    alpha : float
        The classifiers' ridge penalty, as a share of the images' total variance.
    cv : int
        Folds in which `fit_transform` gives each training image the outputs of classifiers that have not seen it.
    random_state : int, RandomState or None
        Draws those folds.
    n_jobs : int, optional
        How many of those folds to fit at the same time.

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
    ``fit_transform(X, y)`` is not ``fit(X, y).transform(X)``: outputs for images that a classifier was fitted on are
    too good to be true, and whatever is fitted on them next would trust them too much.

    A classifier is a ridge regression solved in its dual, on the few rows of the Gram matrix that belong to its pair,
    so that hundreds of them cost seconds, whatever the number of features.

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

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the classifiers.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Low-level features.
        y : array-like of shape (n,)
            Classes; at least two.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is one class only, or `superclasses` does not name each.
        """
        self._fit(X, y)
        return self

    def fit_transform(self, X: Any, y: Any) -> np.ndarray:
        """Fit the classifiers, and ask others for each training image: those fitted on the other folds.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)

        Returns
        -------
        ndarray of shape (n, n_pairs) and dtype float32
            0 where a fold lacks one side of a pair.
        """
        gram, codes = self._fit(X, y)
        folds = _draw_folds(codes, self.cv, check_random_state(self.random_state))
        outputs = np.zeros((len(codes), len(self.pairs_)), dtype=np.float32)
        tests = [np.flatnonzero(folds == fold) for fold in range(self.cv)]
        tasks = (delayed(self._ask_unseen)(gram, codes, folds == fold) for fold in range(self.cv))
        for test, answers in zip(tests, Parallel(n_jobs=self.n_jobs, prefer="threads")(tasks)):
            outputs[test] = answers
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

    def _fit(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Fit, and return the Gram matrix of the standardized features and the code of each image's class."""
        self._validate_params()
        X, y = validate_data(self, X, y, dtype=np.float32, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(f"a hierarchy needs at least two classes; all {len(y)} labels are one class")
        self.scaler_ = StandardScaler().fit(X)
        X = self.scaler_.transform(X)
        self.superclasses_ = self._find_superclasses(X, codes)
        self.pairs_ = _list_pairs(self.superclasses_)
        gram = X @ X.T
        solutions = [_solve(gram, codes, pair, self.alpha) for pair in self.pairs_]
        self.coef_ = np.stack([weights @ X[rows] for rows, weights, _ in solutions]).astype(np.float32)
        self.intercept_ = np.array([intercept for _, _, intercept in solutions], dtype=np.float32)
        return gram, codes

    def _find_superclasses(self, X: np.ndarray, codes: np.ndarray) -> np.ndarray:
        if self.superclasses is not None:
            missing = [label for label in self.classes_.tolist() if label not in self.superclasses]
            if missing:
                raise InputError(f"superclasses does not name the superclass of {missing[0]!r}")
            return np.array([self.superclasses[label] for label in self.classes_.tolist()])
        means = np.stack([X[codes == code].mean(axis=0) for code in range(len(self.classes_))])
        n_superclasses = round(len(means) ** 0.5)
        return fcluster(linkage(pdist(means), "ward"), n_superclasses, criterion="maxclust")

    def _ask_unseen(self, gram: np.ndarray, codes: np.ndarray, unseen: np.ndarray) -> np.ndarray:
        """The outputs, for the unseen images, of classifiers fitted on the others: of shape (n_unseen, n_pairs)."""
        answers = np.zeros((unseen.sum(), len(self.pairs_)), dtype=np.float32)
        seen_codes = np.where(unseen, -1, codes)
        for i, pair in enumerate(self.pairs_):
            if np.isin(pair.first, seen_codes).any() and np.isin(pair.second, seen_codes).any():
                rows, weights, intercept = _solve(gram, seen_codes, pair, self.alpha)
                answers[:, i] = gram[np.ix_(unseen, rows)] @ weights + intercept
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
    """Each two classes of a superclass, then each two superclasses."""
    families = [tuple(np.flatnonzero(superclasses == name).tolist()) for name in np.unique(superclasses)]
    inside = [Pair((a,), (b,)) for family in families for a, b in combinations(family, 2)]
    return [*inside, *(Pair(first, second) for first, second in combinations(families, 2))]


def _draw_folds(codes: np.ndarray, n_folds: int, rng: np.random.RandomState) -> np.ndarray:
    """The fold of each image, each class spread evenly; a class may have fewer images than there are folds."""
    folds = np.empty(len(codes), dtype=int)
    for code in np.unique(codes):
        members = rng.permutation(np.flatnonzero(codes == code))
        folds[members] = (np.arange(len(members)) + rng.randint(n_folds)) % n_folds
    return folds


def _solve(
    gram: np.ndarray, codes: np.ndarray, pair: Pair, alpha: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """The ridge regression of 1 and -1 on the images of a pair.

    Returns
    -------
    rows : ndarray of shape (n_rows,)
        The pair's images.
    weights : ndarray of shape (n_rows,)
        The output for an image is its row of the Gram matrix, at these images, times the weights, plus ...
    intercept : float
    """
    first = np.isin(codes, pair.first)
    rows = np.flatnonzero(first | np.isin(codes, pair.second))
    target = np.where(first[rows], 1.0, -1.0)
    inner = gram[np.ix_(rows, rows)].astype(np.float64)
    means = inner.mean(axis=0)
    centered = inner - means - means[:, None] + means.mean()
    # With centered features and targets the weights sum to zero, so they hold for the features as they are.
    penalty = alpha * max(np.trace(centered), np.finfo(float).tiny) + 1e-9
    centered[np.diag_indices_from(centered)] += penalty
    weights = linalg.solve(centered, target - target.mean(), assume_a="pos")
    return rows, weights, float(target.mean() - means @ weights)
