"""Take a fitted model apart: the fitted flows, and what decides on their features."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, NamedTuple

from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

from ..flows.contract import FlowContract
from .best_of import BestOf
from .flow_classifier import FlowClassifier
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
    return fitted_parts(model.best_estimator_)


@fitted_parts.register
def _(model: Pipeline) -> FittedParts:
    (_, first), *rest = model.steps
    if not rest or not hasattr(first, "named_members"):
        return FittedParts(None, model)
    return FittedParts(first, Pipeline(rest))
