"""Let a meta-estimator that is fitted on images compute their features once; `models` knows how."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, Self

from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data


@singledispatch
def on_shared_features(model: Any) -> Any:
    """Return a model of images that is fitted instead of a meta-estimator around whole models of images.

    Parameters
    ----------
    model : HierarchicalClassifier or MultiTargetClassifier
        Unfitted; it is not changed.

    Returns
    -------
    estimator or None
        An unfitted model: the flows of the models inside, and as its head the meta-estimator around what decides on
        their features. Its `union_` are the fitted flows and its `model_` the fitted meta-estimator. None, the default,
        if no model inside is made of flows.
    """
    return None


class SharesFeatures:
    """A meta-estimator around classifiers of features, or around whole models of images.

    Its `fit` sets `model_` to what `on_shared_features` returns, and if that is a model, fits it and shows what the
    meta-estimator inside has learned.

    Attributes
    ----------
    model_ : estimator or None
        See `on_shared_features`.
    """

    model_: Any

    def _take_over(self, fitted: Self) -> None:
        """Show what the meta-estimator on features has learned."""
        for name, value in vars(fitted).items():
            if name.endswith("_") and name != "model_":
                setattr(self, name, value)

    def _enter(self, X: Any) -> tuple[Self, Any]:
        """Return the meta-estimator on features, and the features of images; or itself, and checked rows."""
        check_is_fitted(self)
        if self.model_ is not None:
            return self.model_.model_, self.model_.union_.transform(X)
        return self, self._checked(X, reset=False)

    def _checked(self, X: Any, reset: bool) -> Any:
        """Check features; images are left to the estimators inside."""
        if not get_tags(self).input_tags.two_d_array:
            return X
        return validate_data(self, X, dtype=None, reset=reset, ensure_min_samples=2 if reset else 1)
