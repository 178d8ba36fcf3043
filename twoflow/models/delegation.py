"""Predictions that an estimator leaves to another one that it has fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if


def _delegate_has(method: str) -> Any:
    return available_if(lambda self: hasattr(self._delegate(), method))


class DelegatedPredictions:
    """A mixin: `predict`, `predict_proba` and `decision_function` of the estimator that `_delegate` returns.

    The last two exist if that estimator has them.
    """

    def _delegate(self) -> Any:
        """Return the fitted estimator that predicts; before `fit`, one with the same methods."""
        raise NotImplementedError

    def _inputs(self, X: Any) -> Any:
        """Turn what `predict` is given into what that estimator takes; NotFittedError before `fit`."""
        raise NotImplementedError

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of each image or row, of shape (n,)."""
        inputs = self._inputs(X)
        return self._delegate().predict(inputs)

    @_delegate_has("predict_proba")
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, of shape (n, n_classes), in the order of `classes_`."""
        inputs = self._inputs(X)
        return self._delegate().predict_proba(inputs)

    @_delegate_has("decision_function")
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the score of each class; the head that decides defines the shape."""
        inputs = self._inputs(X)
        return self._delegate().decision_function(inputs)
