"""Fit a classifier on a limited number of rows of each class."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import Tags, check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from ..errors import InputError
from .dual_ridge import Kernel, Solution
from .feature_kernel import FeatureKernel
from .inner_folds import fit_clone
from .random_states import seeded


def _has(method: str) -> Any:
    return available_if(lambda self: hasattr(getattr(self, "classifier_", self.classifier), method))


class CappedClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Fit a classifier on a limited number of rows of each class, drawn at random.

    This balances the classes, and shortens the fit if a few classes have most of the images. The default limit is
    that of Gopalakrishnan, Bindhu et al. (*Classifying Fashion Products with ResNet-50 and Confidence-Based Fallback
    Mechanisms*). It learns one target; for several, put it inside `MultiTargetClassifier`.

    If the classifier can be fitted from the kernel alone, so can this; see `twoflow.heads.dual_ridge.fits_from_kernel`.

    Parameters
    ----------
    classifier : classifier
        Decides on the features. A clone of it is fitted.
    max_per_class : int, default=2000
        The largest number of rows of a class that the clone is fitted on. Smaller classes are used completely.
    random_state : int, RandomState or None, default=None
        Draws the rows, and seeds every part of the classifier that has a `random_state` of None. With None each fit
        draws different rows.

    Attributes
    ----------
    classifier_ : classifier
        The fitted clone.
    classes_ : ndarray of shape (n_classes,)
    sample_indices_ : ndarray of shape (n_rows,)
        The rows that the clone was fitted on, in ascending order.
    leave_out_accuracy_ : float
        The classifier's own, on these rows. Only if it has one.
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
        self._check_target(y)
        X, y = validate_data(self, X, y, dtype=None)
        check_consistent_length(y, groups)
        rng = check_random_state(self.random_state)
        rows = self.sample_indices_ = self._draw(y, rng)
        self.classifier_ = fit_clone(seeded(self.classifier, rng), X[rows], y[rows], _take(groups, rows))
        self.classes_ = self.classifier_.classes_
        return self

    @_has("fit_dual")
    def fit_dual(self, kernel: Kernel | FeatureKernel, y: Any, groups: Any = None) -> Solution:
        """Draw the rows and fit the classifier from their kernel alone.

        Parameters
        ----------
        kernel : Kernel or FeatureKernel
            Of n rows.
        y : array-like of shape (n,)
        groups : array-like of shape (n,), optional

        Returns
        -------
        Solution
            What `fit_primal` takes.
        """
        self._validate_params()
        self._check_target(y)
        y, rng = np.asarray(y), check_random_state(self.random_state)
        rows = self.sample_indices_ = self._draw(y, rng)
        self.classifier_ = seeded(self.classifier, rng)
        solution = self.classifier_.fit_dual(kernel.take(rows), y[rows], _take(groups, rows))
        self.classes_ = self.classifier_.classes_
        return solution

    @_has("fit_primal")
    def fit_primal(self, features: FeatureKernel, solution: Solution) -> Self:
        """Compute the coefficients of the classifier, after `fit_dual`.

        Parameters
        ----------
        features : FeatureKernel
            The features that the kernel was computed from, of all rows.
        solution : Solution
            The result of `fit_dual`.

        Returns
        -------
        self
        """
        self.classifier_.fit_primal(features.take(self.sample_indices_), solution)
        self.n_features_in_ = features.n_features
        return self

    @_has("weigh_kernels")
    def weigh_kernels(self, kernels: Sequence[Kernel | FeatureKernel], y: Any, groups: Any = None) -> np.ndarray:
        """Find how much each of several kernels should count, from the drawn rows.

        Parameters
        ----------
        kernels : sequence of Kernel or FeatureKernel
            One for each flow, of the same n rows.
        y, groups
            See `fit_dual`.

        Returns
        -------
        ndarray of shape (n_kernels,)
        """
        y = np.asarray(y)
        rows = self._draw(y, check_random_state(self.random_state))
        drawn = [kernel.take(rows) for kernel in kernels]
        return self.classifier.weigh_kernels(drawn, y[rows], _take(groups, rows))

    @property
    def leave_out_accuracy_(self) -> float:
        """The classifier's own `leave_out_accuracy_`, on the drawn rows."""
        return self.classifier_.leave_out_accuracy_

    def _check_target(self, y: Any) -> None:
        """Raise ValueError if y has several targets."""
        shape = np.asarray(y).shape
        if len(shape) == 2 and shape[1] > 1:
            raise InputError(
                f"y: expected one target, got {shape[1]}; put CappedClassifier inside the classifier that learns "
                "several, such as MultiTargetClassifier(CappedClassifier(...))"
            )

    def _draw(self, y: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        """Draw at most `max_per_class` rows of each class; return their positions in ascending order."""
        check_classification_targets(y)
        order = rng.permutation(len(y))
        chosen = [order[y[order] == label][:self.max_per_class] for label in np.unique(y)]
        return np.sort(np.concatenate(chosen))

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


def _take(groups: Any, rows: np.ndarray) -> np.ndarray | None:
    return None if groups is None else np.asarray(groups)[rows]
