"""Pool the probabilities of a network that is fine-tuned with those of another model."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from ..errors import InputError
from ..heads import LogOpinionPool
from ..heads.inner_folds import fit_clone
from ..images import check_images
from ..images.tags import ImageTags, extend_tags
from ..models.inputs import check_inputs

_FLOOR = 1e-9  # smaller probabilities are raised to this one, because 0 has no logarithm


class PooledClassifier(ClassifierMixin, BaseEstimator):
    """Classify images by a fine-tuned network and another model together.

    Their probabilities are combined by a `LogOpinionPool`. Its weights are found on the images that the network held
    out to stop early: the other model is fitted without them, and then again on all images.

    Parameters
    ----------
    tuned : classifier of images
        Has the attribute `held_out_` after `fit`, such as `FineTunedClassifier` with a `patience`.
    other : classifier of images with `predict_proba`
        Such as ``make_model("best")``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    tuned_, other_ : classifier
        Both fitted; the other one on all images.
    weights_ : ndarray of shape (2,)
        How much the fine-tuned network and the other model count; see `LogOpinionPool`.
    """

    _parameter_constraints: ClassVar[dict] = {
        "tuned": [HasMethods(["fit", "predict_proba"])],
        "other": [HasMethods(["fit", "predict_proba"])],
    }

    def __init__(self, tuned: Any, other: Any) -> None:
        self.tuned = tuned
        self.other = other

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Train the network, fit the other model, and weigh both.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        y : array-like of shape (n,), optional
            Classes; at least two. Default: the labels of the collection.
        groups : array-like of shape (n,), optional
            Images of one group are held out together. Default: the groups of the collection, or no groups.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the network holds no images out.
        """
        self._validate_params()
        images, y, groups = check_inputs(X, y, groups, several=False)
        self.tuned_ = fit_clone(self.tuned, images, y, groups)
        held_out = self.tuned_.held_out_
        if held_out is None:
            raise InputError("tuned: expected a network that holds images out, got patience=None; set a patience")
        train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        early = fit_clone(
            self.other, [images[i] for i in train], y[train], None if groups is None else groups[train]
        )
        asked = [images[i] for i in test]
        known = np.isin(self.tuned_.classes_, y[test])  # a class with one image has none to hold out
        opinions = [_log_probabilities(model, asked)[:, known] for model in (self.tuned_, early)]
        self.weights_ = LogOpinionPool().fit(np.hstack(opinions), y[test]).weights_
        self.other_ = fit_clone(self.other, images, y, groups)
        self.classes_ = self.tuned_.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class of each image, of shape (n,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, of shape (n, n_classes), in the order of `classes_`."""
        check_is_fitted(self)
        images = check_images(X)
        pooled = sum(
            weight * _log_probabilities(model, images)
            for weight, model in zip(self.weights_, (self.tuned_, self.other_))
        )
        likelihoods = np.exp(pooled - pooled.max(axis=1, keepdims=True))
        return likelihoods / likelihoods.sum(axis=1, keepdims=True)

    def __sklearn_tags__(self) -> ImageTags:
        return extend_tags(super().__sklearn_tags__(), ImageTags)


def _log_probabilities(model: Any, images: Any) -> np.ndarray:
    return np.log(np.maximum(model.predict_proba(images), _FLOOR))
