"""Select features by the importances of a Random Forest."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_selection import SelectFromModel, SelectorMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from ..images.targets import split_targets
from .binned_forest import BinnedForestClassifier
from .targets import check_targets

_FORESTS = {"random-forest": BinnedForestClassifier, "extra-trees": ExtraTreesClassifier}


class ForestSelector(SelectorMixin, BaseEstimator):
    """Keep the features that a Random Forest finds important.

    This is the selection of Iliukovich-Strakovskaia, Dral & Dral (2016), section 6: rank the features by variable
    importance, and keep the top K of those whose importance is at least the mean.

    Parameters
    ----------
    max_features : int, optional
        K, the largest number of features to keep. By default all features that reach the threshold are kept. The
        paper keeps 55 of 128 projections and 400 of 1,024 network features.
    threshold : str or float, default="mean"
        The smallest importance of a kept feature: "mean", "median", a multiple such as "1.25*mean", or a number.
    estimator : {"random-forest", "extra-trees"}, default="random-forest"
        The forest that gives the importances. "random-forest" is a `BinnedForestClassifier`. Extremely randomized
        trees draw their split thresholds at random instead of searching for them
        (https://doi.org/10.1007/s10994-006-6226-1), so they are faster to fit.
    n_estimators : int, default=100
        The number of trees. More trees give steadier importances. The paper does not say how many it uses to select.
    random_state : int, RandomState or None, default=None
        Seeds the forest. With None each fit grows another forest.
    n_jobs : int, optional
        How many trees are grown at the same time. It has no effect on the result. Default: 1, unless a
        ``joblib.parallel_config`` says otherwise. -1 is all cores.

    Attributes
    ----------
    feature_importances_ : ndarray of shape (n_features_in_,)
        The mean decrease in impurity of each feature; the values sum to 1.
    threshold_ : float
        The threshold as a number.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from twoflow import ForestSelector
    >>> X, y = load_iris(return_X_y=True)
    >>> ForestSelector(max_features=2, random_state=0).fit_transform(X, y).shape
    (150, 2)
    """

    _parameter_constraints: ClassVar[dict] = {
        "max_features": [Interval(Integral, 1, None, closed="left"), None],
        "threshold": [str, Real],
        "estimator": [StrOptions(set(_FORESTS))],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        max_features: int | None = None,
        threshold: str | float = "mean",
        *,
        estimator: str = "random-forest",
        n_estimators: int = 100,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.max_features = max_features
        self.threshold = threshold
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> Self:
        """Grow the forest and rank the features.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, k)
            Classes. With several targets, one forest learns all of them.

        Returns
        -------
        self
        """
        self._validate_params()
        X, y = validate_data(self, X, y, dtype=np.float32, multi_output=True, ensure_min_samples=2)
        y = check_targets(y)
        if y.ndim == 2:  # the columns may be of different kinds, which forests do not take
            y = np.column_stack([np.unique(target, return_inverse=True)[1] for target in split_targets(y)])
        forest = _FORESTS[self.estimator](self.n_estimators, random_state=self.random_state, n_jobs=self.n_jobs)
        most = None if self.max_features is None else min(self.max_features, X.shape[1])
        selector = SelectFromModel(forest, threshold=self.threshold, max_features=most).fit(X, y)
        self.feature_importances_ = selector.estimator_.feature_importances_
        self.threshold_ = selector.threshold_
        self._support = selector.get_support()
        return self

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self._support

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
