"""Fit a classifier on a limited number of rows of each class."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import Tags, check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from .inner_folds import fit_clone


def _has(method: str) -> Any:
    return available_if(lambda self: hasattr(getattr(self, "classifier_", self.classifier), method))


class CappedClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Fit a classifier on a limited number of rows of each class, drawn at random.

    This balances the classes, and shortens the fit if a few classes have most of the images. The default limit is
    that of Gopalakrishnan, Bindhu et al. (*Classifying Fashion Products with ResNet-50 and Confidence-Based Fallback
    Mechanisms*).

    Parameters
    ----------
    classifier : classifier
        Decides on the features. A clone of it is fitted.
    max_per_class : int, default=2000
        The largest number of rows of a class that the clone is fitted on. Smaller classes are used completely.
    random_state : int, RandomState or None, default=None
        Draws the rows. With None each fit draws different rows.

    Attributes
    ----------
    classifier_ : classifier
        The fitted clone.
    classes_ : ndarray of shape (n_classes,)
    sample_indices_ : ndarray of shape (n_rows,)
        The rows that the clone was fitted on, in ascending order.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import RidgeClassifier
    >>> from twoflow.heads import CappedClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> len(CappedClassifier(RidgeClassifier(), max_per_class=20, random_state=0).fit(X, y).sample_indices_)
    60
    """

    _parameter_constraints: ClassVar[dict] = {
        "classifier": [HasMethods(["fit", "predict"])],
        "max_per_class": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        classifier: Any,
        max_per_class: int = 2000,
        *,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.classifier = classifier
        self.max_per_class = max_per_class
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Draw the rows and fit a clone of the classifier on them.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
            Classes.
        groups : array-like of shape (n,), optional
            Those of the drawn rows are handed to the classifier; see `twoflow.heads.inner_folds.fit_clone`. By default
            there are none.

        Returns
        -------
        self
        """
        self._validate_params()
        X, y = validate_data(self, X, y, dtype=None)
        check_classification_targets(y)
        rng = check_random_state(self.random_state)
        order = rng.permutation(len(y))
        chosen = [order[y[order] == label][:self.max_per_class] for label in np.unique(y)]
        self.sample_indices_ = np.sort(np.concatenate(chosen))
        check_consistent_length(y, groups)
        within = None if groups is None else np.asarray(groups)[self.sample_indices_]
        self.classifier_ = fit_clone(self.classifier, X[self.sample_indices_], y[self.sample_indices_], within)
        self.classes_ = self.classifier_.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of each row, of shape (n,)."""
        X = self._checked(X)
        return self.classifier_.predict(X)

    @_has("predict_proba")
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, of shape (n, n_classes), in the order of `classes_`."""
        X = self._checked(X)
        return self.classifier_.predict_proba(X)

    @_has("decision_function")
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the classifier's score of each class; the classifier defines its shape."""
        X = self._checked(X)
        return self.classifier_.decision_function(X)

    def _checked(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, dtype=None, reset=False)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = get_tags(self.classifier).input_tags.allow_nan
        return tags
