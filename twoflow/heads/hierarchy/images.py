"""Let a hierarchy that is fitted on images compute their features once; `models` knows how."""

from __future__ import annotations

from functools import singledispatch
from typing import Any


@singledispatch
def on_shared_features(model: Any) -> Any:
    """Return a model of images that is fitted instead of a hierarchy around a whole model of images.

    Parameters
    ----------
    model : HierarchicalClassifier
        Unfitted; it is not changed.

    Returns
    -------
    estimator or None
        An unfitted model: the flows of the model inside, and as its head the hierarchy around what decides on their
        features. Its `union_` are the fitted flows and its `model_` the fitted hierarchy. None, the default, if the
        model inside is not made of flows.
    """
    return None
