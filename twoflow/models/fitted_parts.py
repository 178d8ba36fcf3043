"""Take a fitted model apart: the fitted flows, and what decides on their features."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import singledispatch
from typing import Any, NamedTuple

from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline

from ..flows import FlowUnion
from ..flows.contract import FlowContract, learns_from_data
from ..flows.engine.fingerprint import identity
from ..heads.hierarchy import HierarchicalClassifier
from ..heads.multi_target import MultiTargetClassifier
from .best_of import BestOf
from .flow_classifier import FlowClassifier
from .selecting_classifier import SelectingClassifier
from .two_flow import TwoFlowClassifier


class FittedParts(NamedTuple):
    """The parts of a fitted model of images.

    Attributes
    ----------
    flow : Flow or None
        The fitted flows, which turn images into features; None for a model that cannot be taken apart.
    head : estimator
        The fitted rest. It takes the features; without flows it takes images.
    """

    flow: FlowContract | None
    head: Any


@singledispatch
def fitted_parts(model: Any) -> FittedParts:
    """Take a fitted estimator of images apart into its flows and what decides on their features.

    Predictions, the service and exports find the parts of a fitted model only by this function; `take_apart` does the
    same for a model that is not fitted. Register a function for a class of your own.

    Parameters
    ----------
    model : estimator
        The fitted estimator. It is not changed, and the parts are its own, not copies.

    Returns
    -------
    FittedParts
    """
    return FittedParts(None, model)


@fitted_parts.register(FlowClassifier)
@fitted_parts.register(BestOf)
def _(model: Any) -> FittedParts:
    return FittedParts(model.union_, model.model_)


@fitted_parts.register
def _(model: TwoFlowClassifier) -> FittedParts:
    return fitted_parts(model.model_)


@fitted_parts.register
def _(model: BaseSearchCV) -> FittedParts:
    if not hasattr(model, "best_estimator_"):  # with refit=False
        return FittedParts(None, model)
    return fitted_parts(model.best_estimator_)


@fitted_parts.register
def _(model: HierarchicalClassifier) -> FittedParts:
    return _shared_parts(model) or FittedParts(None, model)


@fitted_parts.register
def _(model: MultiTargetClassifier) -> FittedParts:
    return _shared_parts(model) or _side_by_side(model)


def _shared_parts(model: Any) -> FittedParts | None:
    """Return the flows that a meta-estimator computes for all that it has inside, and the rest; None without any."""
    if model.model_ is not None:
        return fitted_parts(model.model_)
    return None if model.flow_ is None else FittedParts(model.flow_, _with(model, flow_=None))


def _side_by_side(model: MultiTargetClassifier) -> FittedParts:
    """Put the flows of the models of the targets side by side; the head of each takes its own columns."""
    parts = [fitted_parts(each) for each in model.estimators_]
    if any(each.flow is None for each in parts):
        return FittedParts(None, model)
    flows: dict[str, Any] = {f"network_{number}": each.flow for number, each in enumerate(parts, start=1)}
    union = FlowUnion.of_fitted(flows)
    heads = [
        SelectingClassifier.of_fitted(name, columns, union.n_features_out, each.head)
        for (name, columns), each in zip(union.slices().items(), parts)
    ]
    return FittedParts(union, _with(model, estimators_=heads))


@fitted_parts.register
def _(model: FrozenEstimator) -> FittedParts:
    return fitted_parts(model.estimator)


@fitted_parts.register
def _(model: CalibratedClassifierCV) -> FittedParts:
    calibrated = model.calibrated_classifiers_
    flow, heads = _common_flow([each.estimator for each in calibrated])
    if flow is None:
        return FittedParts(None, model)
    return FittedParts(
        flow,
        _with(model, calibrated_classifiers_=[_with(each, estimator=own) for each, own in zip(calibrated, heads)]),
    )


@fitted_parts.register
def _(model: MultiOutputClassifier) -> FittedParts:
    flow, heads = _common_flow(model.estimators_)
    return FittedParts(None, model) if flow is None else FittedParts(flow, _with(model, estimators_=heads))


def _common_flow(models: Sequence[Any]) -> tuple[FlowContract | None, list[Any]]:
    """Take several models apart; return their flow and heads, or None if they do not compute the same features."""
    parts = [fitted_parts(model) for model in models]
    flows = [each.flow for each in parts]
    first = flows[0]
    is_same = first is not None and all(each is not None and _computes_same(each, first) for each in flows)
    return (first if is_same else None), [each.head for each in parts]


def _computes_same(one: FlowContract, other: FlowContract) -> bool:
    """Return whether two fitted flows are one, or have members that learn nothing and compute the same."""
    if one is other:
        return True
    pairs = [*zip(one.members(), other.members())]
    return len(one.members()) == len(other.members()) and all(
        not learns_from_data(a) and not learns_from_data(b) and identity(a) == identity(b) for a, b in pairs
    )


def _with(model: Any, **attributes: Any) -> Any:
    """Return a shallow copy of an object with other attributes."""
    changed = copy(model)
    vars(changed).update(attributes)
    return changed


@fitted_parts.register
def _(model: Pipeline) -> FittedParts:
    (_, first), *rest = model.steps
    if not rest or not hasattr(first, "named_members"):
        return FittedParts(None, model)
    return FittedParts(first, Pipeline(rest))
