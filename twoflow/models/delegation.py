"""Predictions that an estimator leaves to another one that it has fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from ..images.targets import all_right, to_targets


def _delegate_has(method: str) -> Any:
    return available_if(lambda self: hasattr(self._delegate(), method))


class DelegatedPredictions:
    """A mixin: `predict`, `predict_proba` and `decision_function` of the estimator that `_delegate` returns.

    The last two exist if that estimator has them. `score` compares the predictions with the true classes.
    """

    def _delegate(self) -> Any:
        """Return the fitted estimator that predicts; before `fit`, one with the same methods."""
        raise NotImplementedError

    def _inputs(self, X: Any) -> Any:
        """Turn what `predict` is given into what that estimator takes; NotFittedError before `fit`."""
        raise NotImplementedError

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of each image or row, of shape (n,); with k targets, of shape (n, k)."""
        inputs = self._inputs(X)
        return self._delegate().predict(inputs)

    @_delegate_has("predict_proba")
    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, of shape (n, n_classes), in the order of `classes_`.

        With several targets, return a list with one such array for each.
        """
        inputs = self._inputs(X)
        return self._delegate().predict_proba(inputs)

    @_delegate_has("decision_function")
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the score of each class; the head that decides defines the shape."""
        inputs = self._inputs(X)
        return self._delegate().decision_function(inputs)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of images or rows that are right; with several targets, those whose targets are all right.

        Parameters
        ----------
        X
            What `predict` takes.
        y : array-like of shape (n,) or (n, k)
            The true classes.
        sample_weight : array-like of shape (n,), optional
            The weight of each image. By default all count the same.
        """
        return float(np.average(all_right(to_targets(y), self.predict(X)), weights=sample_weight))
