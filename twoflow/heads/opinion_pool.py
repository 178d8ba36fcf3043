"""Combine the probabilities of several classifiers, each weighted by how far it can be trusted."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ..errors import InputError
from .calibration import smooth_targets
from .targets import check_targets


class LogOpinionPool(ClassifierMixin, BaseEstimator):
    """Combine the probabilities of several classifiers by their weighted geometric mean.

    This is the logarithmic opinion pool (Genest & Zidek, 1986, https://doi.org/10.1214/ss/1177013825). A class is as
    probable as the product of its probabilities, each to the power of its classifier's weight, relative to the other
    classes. `fit` finds the weights of the smallest log loss. They need not sum to 1, so the pool also calibrates: one
    overconfident classifier alone gets a weight below 1, and the weights of several independent ones may sum to more.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    weights_ : ndarray of shape (n_opinions,)
        The weight of each classifier, zero or more.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Examples
    --------
    >>> import numpy as np
    >>> from twoflow.heads import LogOpinionPool
    >>> useful, useless = np.log([[.8, .2], [.3, .7], [.4, .6], [.4, .6]]), np.zeros((4, 2))
    >>> pool = LogOpinionPool().fit(np.hstack([useful, useless]), ["boot", "clog", "boot", "clog"])
    >>> pool.predict([[-.1, -3, 0, 0]])
    array(['boot'], dtype='<U4')
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Find the weights.

        Parameters
        ----------
        X : array-like of shape (n, n_opinions * n_classes)
            Logarithms of probabilities: for each opinion a block of one column for each class, in sorted order. They
            should come from classifiers that were not fitted on the row; see `OutOfFoldProbabilities`.
        y : array-like of shape (n,)
            Classes; at least two.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the number of columns is not a multiple of the number of classes, or there is only one class.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        self.classes_, codes = np.unique(check_targets(y, several=False), return_inverse=True)
        n_classes = len(self.classes_)
        if X.shape[1] % n_classes:
            raise InputError(
                f"expected {n_classes} columns, one for each class, for each opinion, got {X.shape[1]} in all; give "
                "the outputs of OutOfFoldProbabilities side by side"
            )
        blocks = self._split(X)
        start = np.full(blocks.shape[1], 1 / blocks.shape[1])
        found = minimize(
            _log_loss, start, (blocks, smooth_targets(codes, n_classes)), "L-BFGS-B", jac=True,
            bounds=[(0, None)] * len(start), options={"ftol": 1e-12, "gtol": 1e-8},
        )
        self.weights_ = found.x
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class of each row, of shape (n,)."""
        return self.classes_[self._pool(X).argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, of shape (n, n_classes), in the order of `classes_`."""
        return softmax(self._pool(X), axis=1)

    def _pool(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return np.tensordot(self._split(validate_data(self, X, reset=False, dtype=np.float64)), self.weights_, (1, 0))

    def _split(self, X: np.ndarray) -> np.ndarray:
        """Return the opinions as an array of shape (n, n_opinions, n_classes)."""
        return X.reshape(len(X), -1, len(self.classes_))


def _log_loss(weights: np.ndarray, blocks: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """Compute the mean log loss of a pool and its gradient; the loss is convex in the weights."""
    pooled = np.tensordot(blocks, weights, (1, 0))
    loss = -(targets * log_softmax(pooled, axis=1)).sum() / len(targets)
    gradient = np.einsum("ik,ibk->b", softmax(pooled, axis=1) - targets, blocks) / len(targets)
    return float(loss), gradient
