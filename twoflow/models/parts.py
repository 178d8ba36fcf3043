"""Take a model apart: its flows, the selector of each flow's features, and the head that decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import ParameterGrid
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from ..flows.contract import FlowContract, learns_from_data
from ..flows.engine.fingerprint import identity
from ..heads.hierarchy import HierarchicalClassifier
from ..heads.multi_target import MultiTargetClassifier
from ..heads.needed_memory import check_memory, least_memory
from ..heads.random_states import seeded
from .selecting_classifier import Columns, SelectingClassifier, as_slice


class Step(NamedTuple):
    """Flows, and the selector of their features.

    Attributes
    ----------
    name : str
    flows : sequence of (str, Flow)
        Names and unfitted flows. Their features are side by side.
    selector : transformer of features or "passthrough"
        The features pass through it; "passthrough" keeps all of them.
    """

    name: str
    flows: Sequence[tuple[str, FlowContract]]
    selector: Any

    @property
    def n_features(self) -> int:
        """The number of features of all flows, before the selector."""
        return sum(flow.n_features_out for _, flow in self.flows)


class Parts(NamedTuple):
    """The parts of a model of images: the flows with their selectors, and the head.

    Attributes
    ----------
    steps : sequence of Step
        The flows and selectors. Empty for an estimator that is not made of flows; its head takes the images.
    head : estimator
        Decides on the outputs of all steps, side by side.
    """

    steps: Sequence[Step]
    head: Any

    @property
    def flows(self) -> list[tuple[str, FlowContract]]:
        """All flows with unique names, in the order of their columns."""
        return [
            (step.name if name == step.name else f"{step.name}.{name}", flow)
            for step in self.steps for name, flow in step.flows
        ]

    def on_features(self) -> Any:
        """Return the second half of the model, unfitted: it takes the features of all flows side by side."""
        if all(step.selector == "passthrough" for step in self.steps):
            return self.head
        ends = np.cumsum([step.n_features for step in self.steps]).tolist()
        columns = [slice(start, end) for start, end in zip([0, *ends], ends)]
        selections = [(step.name, step.selector, place) for step, place in zip(self.steps, columns)]
        return SelectingClassifier(selections, self.head)

    def check_memory(self, n_images: int) -> None:
        """Raise ValueError if a fit on so many images takes more memory than is free; called before it begins.

        With a flow that learns from data nothing is checked, because its number of features may depend on it.
        """
        if any(learns_from_data(flow) for _, flow in self.flows):
            return
        n_features = sum(step.n_features for step in self.steps)
        check_memory(least_memory(self.on_features(), n_images, n_features), n_images, n_features)


@singledispatch
def take_apart(model: Any) -> Parts:
    """Take an estimator of images apart into flows and the head that decides on their features.

    Comparisons, choices among models, and exports find the parts of a model only by this function. It supports the
    models of this package, pipelines that begin with a flow, and meta-estimators around one model, such as
    `sklearn.calibration.CalibratedClassifierCV`. Register a function for a class of your own::

        @take_apart.register
        def _(model: MyModel) -> Parts:
            return Parts([Step("color", [("color", model.flow)], "passthrough")], model.classifier)

    Parameters
    ----------
    model : estimator
        The estimator. It is not changed: the returned parts are clones, or are not used by the estimator.

    Returns
    -------
    Parts
        For an estimator that is not made of flows, there are no steps, and the head is the estimator.

    Notes
    -----
    A meta-estimator keeps the selectors of its model inside, because it may fit them on a part of the rows. It is not
    taken apart if a flow of its model learns from data: the flow would learn from rows that the meta-estimator holds
    out.
    """
    return _take_wrapper_apart(model)


@take_apart.register
def _(model: Pipeline) -> Parts:
    (name, first), *rest = model.steps
    if not rest or not hasattr(first, "named_members"):
        return Parts([], model)
    return Parts([Step(name, first.named_members(name), "passthrough")], Pipeline(rest))


@take_apart.register
def _(model: HierarchicalClassifier) -> Parts:
    """Return the flows of the model inside, and the hierarchy around its second half."""
    rng = check_random_state(model.random_state)
    estimator = seeded(model.estimator, rng)
    seed = rng.randint(np.iinfo(np.int32).max)
    return _take_wrapper_apart(clone(model).set_params(estimator=estimator, random_state=seed))


@take_apart.register
def _(model: MultiTargetClassifier) -> Parts:
    """Return the flows of all models inside, each once, and the same classifier around their second halves.

    Flows that learn from data are fitted on all images, as those of a `FlowClassifier` are. There are no steps if a
    model inside is not made of flows.
    """
    rng = check_random_state(model.random_state)
    given = model.estimator if isinstance(model.estimator, Mapping) else {"": model.estimator}
    seed = rng.randint(np.iinfo(np.int32).max)
    # All models get the same seed, so that a flow that two models share is recognized as one.
    apart = {name: take_apart(seeded(each, np.random.RandomState(seed))) for name, each in given.items()}
    if not apart or not all(parts.steps for parts in apart.values()):
        return Parts([], model)
    if given is model.estimator:
        steps, halves = join_flows(apart)
        inside: Any = halves
    else:
        (parts,) = apart.values()
        steps, inside = each_flow(parts), parts.on_features()
    seed = rng.randint(np.iinfo(np.int32).max)
    return Parts(steps, clone(model).set_params(estimator=inside, random_state=seed))


def join_flows(apart: Mapping[Any, Parts]) -> tuple[list[Step], dict[Any, SelectingClassifier]]:
    """Put the flows of several models side by side, equal ones once.

    Parameters
    ----------
    apart : mapping of name to Parts
        At least one model; all are made of flows.

    Returns
    -------
    steps : list of Step
        One for each flow.
    halves : dict of name to SelectingClassifier
        The second half of each model, which takes the columns of its own flows.
    """
    flows: dict[str, tuple[str, FlowContract]] = {}
    for name, parts in apart.items():
        for own, flow in parts.flows:
            taken = any(own == other for other, _ in flows.values())
            flows.setdefault(identity(flow), (f"{name}.{own}" if taken else own, flow))
    ends = np.cumsum([flow.n_features_out for _, flow in flows.values()]).tolist()
    places = {key: np.arange(start, end) for key, start, end in zip(flows, [0, *ends], ends)}

    def columns(step: Step) -> Columns:
        return as_slice(np.concatenate([places[identity(flow)] for _, flow in step.flows]))

    halves = {
        name: SelectingClassifier([(each.name, each.selector, columns(each)) for each in parts.steps], parts.head)
        for name, parts in apart.items()
    }
    return [Step(name, [(name, flow)], "passthrough") for name, flow in flows.values()], halves


@take_apart.register
def _(model: BaseSearchCV) -> Parts:
    """Take a search apart, unless it searches parameters of flows, which would change the features."""
    space = getattr(model, "param_grid", None) or getattr(model, "param_distributions", None)
    names = {name for grid in _grids(space) for name in grid}
    return _take_wrapper_apart(model, lambda inside: names <= inside.get_params().keys())


def _grids(space: Any) -> Iterable[dict]:
    return [space] if isinstance(space, dict) else ParameterGrid(space).param_grid if space else []


def _take_wrapper_apart(model: Any, is_possible: Callable[[Any], bool] = lambda inside: True) -> Parts:
    """Replace the one model that a meta-estimator wraps by the second half of that model.

    Parameters
    ----------
    model : estimator
    is_possible : callable
        Takes that second half, and returns whether it may be put into the meta-estimator. By default it always may.

    Returns
    -------
    Parts
        Without steps if the meta-estimator wraps no model of flows or several, or if a flow learns from data.
    """
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
    if any(learns_from_data(flow) for _, flow in parts.flows) or not is_possible(inside):
        return Parts([], model)
    return Parts(each_flow(parts), clone(model).set_params(**{name: inside}))


def each_flow(parts: Parts) -> list[Step]:
    """Return a step without a selector for each flow of a model, under the flow's own name."""
    return [Step(name, [(name, flow)], "passthrough") for name, flow in parts.flows]
