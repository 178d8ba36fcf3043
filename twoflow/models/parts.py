"""Taking a model apart: its flows, what each flow's features pass through, and the head that decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import ParameterGrid
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

from ..flows import Flow
from .selecting_classifier import SelectingClassifier


class Step(NamedTuple):
    """Flows side by side, and what their features pass through.

    Attributes
    ----------
    name : str
    flows : sequence of (str, Flow)
        Names and unfitted flows.
    selector : transformer of features or "passthrough"
    """

    name: str
    flows: Sequence[tuple[str, Flow]]
    selector: Any

    @property
    def n_features(self) -> int:
        """How many features the flows give, before the selector."""
        return sum(flow._n_features_out for _, flow in self.flows)


class Parts(NamedTuple):
    """A model of images in two: the flows, and what is fitted on their features.

    Attributes
    ----------
    steps : sequence of Step
        Empty for an estimator that is not made of flows, and so takes the images themselves.
    head : estimator
        Decides on what comes out of all steps, side by side.
    """

    steps: Sequence[Step]
    head: Any

    @property
    def flows(self) -> list[tuple[str, Flow]]:
        """All flows, in the order of their columns, by names of their own."""
        return [
            (step.name if name == step.name else f"{step.name}.{name}", flow)
            for step in self.steps for name, flow in step.flows
        ]

    def on_features(self) -> Any:
        """The unfitted second half, for the features of all flows side by side."""
        if all(step.selector == "passthrough" for step in self.steps):
            return self.head
        ends = np.cumsum([step.n_features for step in self.steps]).tolist()
        columns = [slice(start, end) for start, end in zip([0, *ends], ends)]
        selections = [(step.name, step.selector, place) for step, place in zip(self.steps, columns)]
        return SelectingClassifier(selections, self.head)


@singledispatch
def take_apart(model: Any) -> Parts:
    """Take an estimator of images apart into flows and what decides on their features.

    This is the one way in which a comparison, a choice among models or an export learns what a model is made of.
    It knows the models of this package, pipelines that begin with a flow, and meta-estimators around one model, such as
    `sklearn.calibration.CalibratedClassifierCV`. Register a function for a class of your own::

        @take_apart.register
        def _(model: MyModel) -> Parts:
            return Parts([Step("color", [("color", model.flow)], "passthrough")], model.classifier)

    Parameters
    ----------
    model : estimator
        It is not changed. What is returned are clones, or parts that the model itself does not use.

    Returns
    -------
    Parts
        Without steps for an estimator that is not made of flows, with the estimator as its head.

    Notes
    -----
    A meta-estimator keeps selectors inside, where it may fit them on a part of the rows. Its model must not have flows
    that learn from data, because they would learn from rows that the meta-estimator holds out; then it is left whole.
    """
    return _take_wrapper_apart(model, lambda inside: True)


@take_apart.register
def _(model: Pipeline) -> Parts:
    (name, first), *rest = model.steps
    if not rest or not hasattr(first, "named_members"):
        return Parts([], model)
    return Parts([Step(name, first.named_members(name), "passthrough")], Pipeline(rest))


@take_apart.register
def _(model: BaseSearchCV) -> Parts:
    """Only if nothing is searched for in the flows, whose features would change."""
    space = getattr(model, "param_grid", None) or getattr(model, "param_distributions", None)
    names = {name for grid in _grids(space) for name in grid}
    return _take_wrapper_apart(model, lambda inside: names <= inside.get_params().keys())


def _grids(space: Any) -> Iterable[dict]:
    return [space] if isinstance(space, dict) else ParameterGrid(space).param_grid if space else []


def _take_wrapper_apart(model: Any, is_possible: Any) -> Parts:
    """Put the second half of the one model that a meta-estimator wraps in the place of that model."""
    if not isinstance(model, BaseEstimator):
        return Parts([], model)
    nested = {
        name: take_apart(value) for name, value in model.get_params(deep=False).items()
        if isinstance(value, BaseEstimator)
    }
    made_of_flows = {name: parts for name, parts in nested.items() if parts.steps}
    if len(made_of_flows) != 1:
        return Parts([], model)
    (name, parts), = made_of_flows.items()
    inside = parts.on_features()
    if any(flow.__sklearn_tags__().learns_from_data for _, flow in parts.flows) or not is_possible(inside):
        return Parts([], model)
    return Parts([Step(name, parts.flows, "passthrough")], clone(model).set_params(**{name: inside}))
