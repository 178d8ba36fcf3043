"""Predictions that an estimator leaves to another one that it has fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from ..images.targets import all_right, to_targets


def _delegate_has(method: str) -> Any:
    return available_if(lambda self: hasattr(self._delegate(), method))


class DelegatedPredictions:
    """A mixin: the predictions of the estimator that `_delegate` returns.

    `predict` is always there. All others exist if that estimator has them. `score` compares the predictions with the
    true classes.
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

    @_delegate_has("predict_full")
    def predict_full(self, X: Any) -> np.ndarray:
        """Return the labels before fallback; see `HierarchicalClassifier.predict_full`."""
        inputs = self._inputs(X)
        return self._delegate().predict_full(inputs)

    @_delegate_has("predict_path")
    def predict_path(self, X: Any) -> list[tuple[Any, ...]]:
        """Return the answered path of each image; see `HierarchicalClassifier.predict_path`."""
        inputs = self._inputs(X)
        return self._delegate().predict_path(inputs)

    @_delegate_has("predict_node_proba")
    def predict_node_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each node; see `HierarchicalClassifier.predict_node_proba`."""
        inputs = self._inputs(X)
        return self._delegate().predict_node_proba(inputs)

    @_delegate_has("scope_scores")
    def scope_scores(self, X: Any) -> np.ndarray | None:
        """Return how much each image is like the training images; see `HierarchicalClassifier.scope_scores`."""
        inputs = self._inputs(X)
        return self._delegate().scope_scores(inputs)

    @_delegate_has("explain_fallback")
    def explain_fallback(self, X: Any) -> list[str]:
        """Say why an answer is not a full path; see `HierarchicalClassifier.explain_fallback`."""
        inputs = self._inputs(X)
        return self._delegate().explain_fallback(inputs)

    @_delegate_has("decide")
    def decide(self, *args: Any, **kwargs: Any) -> Any:
        """Decide which node is answered; see `HierarchicalClassifier.decide`."""
        return self._delegate().decide(*args, **kwargs)

    @_delegate_has("name_levels")
    def name_levels(self, names: Sequence[str]) -> None:
        """Name the levels of the fitted tree; see `HierarchicalClassifier.name_levels`."""
        self._delegate().name_levels(names)

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
