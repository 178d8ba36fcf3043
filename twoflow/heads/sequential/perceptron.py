"""Answer by a fitted multilayer perceptron: its arrays, and what it computes from them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data


class Perceptron(TransformerMixin, ClassifierMixin, BaseEstimator):
    """Base of classifiers that are multilayer perceptrons with ReLU units.

    A subclass fits them, with any library. Their answers are computed from the arrays below with NumPy only.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of k such arrays
        The classes; a list for several targets.
    mean_ : ndarray of shape (n_features_in_,)
        It is subtracted from the features first.
    scale_ : float
        The features are divided by it next, so that their mean variance is 1. It is one number for all features, so
        flows keep their weights relative to each other.
    coefs_ : list of ndarray
        The weights of each layer, of shape (n_inputs, n_outputs). The last layer has a score for each class, those of
        several targets side by side. For one target of two classes it may have only the score of the second class.
    intercepts_ : list of ndarray of shape (n_outputs,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.
    """

    @property
    def n_parameters_(self) -> int:
        """The number of weights and intercepts."""
        check_is_fitted(self)
        return sum(array.size for array in [*self.coefs_, *self.intercepts_])

    def transform(self, X: Any) -> np.ndarray:
        """Return the activations of the last hidden layer, of shape (n, n_units)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        hidden = (X - self.mean_) / self.scale_
        for coef, intercept in zip(self.coefs_[:-1], self.intercepts_[:-1]):
            hidden = np.maximum(hidden @ coef + intercept, 0)
        return hidden

    def fit_transform(self, X: Any, y: Any, groups: Any = None) -> np.ndarray:
        """Fit, and return the activations of the last hidden layer for the training rows."""
        return self.fit(X, y, groups).transform(X)

    def predict_proba(self, X: Any) -> np.ndarray | list[np.ndarray]:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray of shape (n, n_classes), or a list of k such arrays for several targets
        """
        scores = (self.transform(X) @ self.coefs_[-1] + self.intercepts_[-1]).astype(np.float64)
        if not isinstance(self.classes_, list):
            return softmax(with_first_score(scores, len(self.classes_)), axis=1)
        ends = np.cumsum([len(classes) for classes in self.classes_])
        return [softmax(each, axis=1) for each in np.split(scores, ends[:-1], axis=1)]

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class of each row, of shape (n,)."""
        answers = np.asarray(self.predict_proba(X)).argmax(axis=1)
        return self.classes_[answers]

    def _standardize(self, X: np.ndarray) -> np.ndarray:
        """Find `mean_` and `scale_`, and return the standardized features."""
        self.mean_ = X.mean(axis=0, dtype=np.float64).astype(X.dtype)
        centered = X - self.mean_
        spread = np.sqrt(np.mean(np.square(centered, dtype=np.float64)))
        self.scale_ = X.dtype.type(spread if spread > np.finfo(X.dtype).tiny else 1)
        return centered / self.scale_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags


def with_first_score(scores: np.ndarray, n_classes: int) -> np.ndarray:
    """Add the score 0 of the first class if there are two classes and only the second has a score."""
    return np.column_stack([np.zeros(len(scores)), scores]) if scores.shape[1] < n_classes else scores
