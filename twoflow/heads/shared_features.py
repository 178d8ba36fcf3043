"""Let a meta-estimator that is fitted on images compute their features once; `models` knows how."""

from __future__ import annotations

from functools import singledispatch
from typing import Any


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
