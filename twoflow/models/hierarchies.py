"""Hierarchies whose classifier is a whole model of images: the features of an image are computed once for all nodes."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from ..heads.hierarchy import HierarchicalClassifier
from ..heads.hierarchy.images import on_shared_features
from ..heads.random_states import seeded
from .fitted_parts import FittedParts, fitted_parts
from .flow_classifier import FlowClassifier
from .parts import Parts, take_apart, take_wrapper_apart
from .several_targets import on_flows


@take_apart.register
def _(model: HierarchicalClassifier) -> Parts:
    """Return the flows of the model inside, and the hierarchy around its second half."""
    rng = check_random_state(model.random_state)
    estimator = seeded(model.estimator, rng)
    seed = rng.randint(np.iinfo(np.int32).max)
    return take_wrapper_apart(clone(model).set_params(estimator=estimator, random_state=seed))


@on_shared_features.register
def _(model: HierarchicalClassifier) -> FlowClassifier | None:
    parts = take_apart(model)
    return on_flows(parts, parts.on_features(), model.estimator) if parts.steps else None


@fitted_parts.register
def _(model: HierarchicalClassifier) -> FittedParts:
    return FittedParts(None, model) if model.model_ is None else fitted_parts(model.model_)
