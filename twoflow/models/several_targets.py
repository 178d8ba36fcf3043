"""Make a model of several targets, or of levels, from a model of one target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from ..heads.hierarchy import HierarchicalClassifier
from ..heads.multi_target import MultiTargetClassifier
from ..heads.shared_features import on_shared_features
from ..heads.targets import complete_target_names
from .flow_classifier import FlowClassifier
from .parts import Parts, take_apart

_RUNNING = ("random_state", "n_jobs", "verbose", "store")  # parameters that say how a model runs


def on_flows(parts: Parts, head: Any, model: Any) -> FlowClassifier:
    """Make a model of the flows of another one, which runs as that one does.

    Parameters
    ----------
    parts : Parts
        Its flows are used, but not its selectors.
    head : classifier
        Decides on the features of all flows.
    model : estimator
        Its `random_state`, `n_jobs`, `verbose` and `store` are used, where it has them.
    """
    flows = [(name, flow, "passthrough") for name, flow in parts.flows]
    running = {name: getattr(model, name) for name in _RUNNING if hasattr(model, name)}
    return FlowClassifier(flows, head, **running)


@singledispatch
def for_targets(model: Any, names: Sequence[str]) -> Any:
    """Return the model that an estimator fits if it learns these targets.

    For most estimators it is the estimator itself, and what learns several targets is told their names. Register a
    function for a class of your own whose `fit` makes another model if y has several columns.

    Parameters
    ----------
    model : estimator
        Unfitted; it is not changed.
    names : sequence of str
        The names of the targets, in the order of the columns of y.

    Returns
    -------
    estimator
    """
    return complete_target_names(model, names)


@on_shared_features.register(HierarchicalClassifier)
@on_shared_features.register(MultiTargetClassifier)
def _(model: Any) -> FlowClassifier | None:
    parts = take_apart(model)
    given = model.estimator
    first = next(iter(given.values())) if isinstance(given, Mapping) else given
    return on_flows(parts, parts.on_features(), first) if parts.steps else None
