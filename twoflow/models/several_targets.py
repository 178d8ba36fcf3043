"""Make a model of several targets, or of levels, from a model of one target."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from ..heads.each_target import EachTargetClassifier
from ..heads.hierarchy import HierarchicalClassifier
from ..heads.hierarchy.images import on_shared_features
from .flow_classifier import FlowClassifier
from .parts import Parts, take_apart

_RUNNING = ("n_jobs", "verbose", "store")  # parameters that say how a model runs


def each_target(model: Any) -> Any:
    """Make a model that decides on each target by itself, on the same features.

    The features of an image are computed once. What follows the flows, which are the selectors, the choice among
    candidates and the head, is there once for each target.

    Parameters
    ----------
    model : FlowClassifier, BestOf, or another classifier of images
        Unfitted; it is not changed.

    Returns
    -------
    FlowClassifier
        Unfitted, with the flows of the model and `EachTargetClassifier` as its head. It takes y of shape (n, k); its
        `predict` returns shape (n, k), and its `predict_proba` a list with an array for each target. An estimator that
        is not made of flows is returned itself; see `take_apart`.

    Examples
    --------
    >>> from twoflow import make_model, make_shop
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> labels = [[label, label == "tee/01"] for label in shop.labels.tolist()]
    >>> model = each_target(make_model("fast")).fit(shop.images, labels)
    >>> model.predict(shop[:1]).shape, len(model.predict_proba(shop[:1]))
    ((1, 2), 2)
    """
    parts = take_apart(model)
    if not parts.steps:
        return model
    return on_flows(parts, EachTargetClassifier(parts.on_features()), model)


def on_flows(parts: Parts, head: Any, model: Any) -> FlowClassifier:
    """Make a model of the flows of another one, which runs as that one does.

    Parameters
    ----------
    parts : Parts
        Its flows are used, but not its selectors.
    head : classifier
        Decides on the features of all flows.
    model : estimator
        Its `n_jobs`, `verbose` and `store` are used, where it has them.
    """
    flows = [(name, flow, "passthrough") for name, flow in parts.flows]
    running = {name: getattr(model, name) for name in _RUNNING if hasattr(model, name)}
    return FlowClassifier(flows, head, **running)


@singledispatch
def for_targets(model: Any, n_targets: int) -> Any:
    """Return the model that an estimator fits if there are `n_targets` targets.

    For most estimators it is the estimator itself. Register a function for a class of your own whose `fit` makes
    another model if y has several columns.

    Parameters
    ----------
    model : estimator
        Unfitted; it is not changed.
    n_targets : int

    Returns
    -------
    estimator
    """
    return model


@on_shared_features.register
def _(model: HierarchicalClassifier) -> FlowClassifier | None:
    parts = take_apart(model)
    return on_flows(parts, parts.on_features(), model.estimator) if parts.steps else None
