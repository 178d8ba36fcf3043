"""Let a meta-estimator that is fitted on images compute their features once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any, Self

from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from ..images.tags import read_tag


def trained_parts(classifiers: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Take fitted classifiers of images apart into the flow that they have trained together, and what decides.

    Parameters
    ----------
    classifiers : sequence of classifier
        Fitted; None for one that was not needed.

    Returns
    -------
    flow : Flow or None
        None if they have trained none, or several.
    heads : list of classifier
        What decides on the features of the flow; without a flow the classifiers themselves.
    """
    flows = [each.flow_ if read_tag(each, "trains_flow", False) else None for each in classifiers if each is not None]
    if not flows or flows[0] is None or any(flow is not flows[0] for flow in flows):
        return None, list(classifiers)
    return flows[0], [None if each is None else each.head_ for each in classifiers]


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
    meta-estimator inside has learned. Otherwise it sets `flow_` to what `trained_parts` returns.

    Attributes
    ----------
    model_ : estimator or None
        See `on_shared_features`.
    flow_ : Flow or None
        The fitted flow that a classifier of images has trained. Then all that the meta-estimator has learned decides on
        its features.
    """

    model_: Any
    flow_: Any = None  # so in model files of before it existed

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
        return self, self._features(self._checked(X, reset=False))

    def _features(self, X: Any) -> Any:
        """Compute what the fitted classifiers decide on: the features of images if they trained a flow, else X."""
        return X if self.flow_ is None else self.flow_.transform(X)

    def _checked(self, X: Any, reset: bool) -> Any:
        """Check features; images are left to the estimators inside."""
        if not get_tags(self).input_tags.two_d_array:
            return X
        return validate_data(self, X, dtype=None, reset=reset, ensure_min_samples=2 if reset else 1)
