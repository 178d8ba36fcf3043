"""What of a comparison's methods can be computed once, and what must be fitted in every fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import joblib
import numpy as np
from sklearn.pipeline import Pipeline

from ..deep import ConvNetClassifier
from ..flows import Flow, FlowUnion
from ..flows.engine.fingerprint import identity
from ..flows.image_traits import ImageTraits
from ..models import TwoFlowClassifier
from ..store import StoreLike


class Part(NamedTuple):
    """Some columns of the features and what selects among them: a transformer of features or "passthrough".

    `flows` says whose columns they are, in their order: the name of each flow and how many it has. Parts with the same
    key are the same: the features, the selector and its seed.
    """

    columns: np.ndarray
    selector: Any
    flows: tuple[tuple[str, int], ...]
    key: str


class Method(NamedTuple):
    """A method, taken apart.

    Attributes
    ----------
    parts : list of Part, or None
        What, side by side, the classifier is given; None where it is given the images themselves.
    classifier : estimator
    size : (int, int) or None
        The width and height that the method stretches all images to; None where that is not known.
    """

    parts: list[Part] | None
    classifier: Any
    size: tuple[int, int] | None


class FeaturePlan:
    """The flows of all methods, each once, and what every method makes of their features.

    Attributes
    ----------
    once : FlowUnion
        The flows that learn nothing from data, so that an image has the same features in all folds; and after these
        a traits of each image, to find duplicates by.
    n_once : int
        How many columns that is without the traits.
    in_fold : FlowUnion or None
        The flows that learn, to be fitted in every fold, once for all methods.
    methods : list of Method
        Their columns are those of `once` and of `in_fold`, standing side by side.
    shared : list of Part
        The parts that several methods have and that select, to be fitted in every fold once for all of them.
    """

    def __init__(self, methods: Sequence[Any], n_jobs: int | None, verbose: bool, store: StoreLike = None) -> None:
        split = [_split(method) for method in methods]
        flows = {identity(flow): flow for steps, _ in split for members, _ in steps for _, flow in members}
        learning = {key: flow for key, flow in flows.items() if flow.__sklearn_tags__().learns_from_data}
        once = {key: flow for key, flow in flows.items() if key not in learning}
        self.n_once = sum(flow.n_features_out for flow in once.values())
        self.once = FlowUnion(
            [*once.items(), ("traits", ImageTraits())], n_jobs=n_jobs, on_error="nan", verbose=verbose, store=store
        )
        self.in_fold = FlowUnion(list(learning.items()), n_jobs=n_jobs, verbose=verbose) if learning else None
        for union in (self.once, self.in_fold):
            if union is not None:
                union.check_parameters()
        ordered = {**once, **learning}
        ends = np.cumsum([flow.n_features_out for flow in ordered.values()]).tolist()
        columns = {key: np.arange(start, end) for key, start, end in zip(ordered, [0, *ends], ends)}
        self.methods = [
            Method(_parts(steps, columns) or None, classifier, _checked_size(classifier)) for steps, classifier in split
        ]
        self.shared = _shared(self.methods)


#: Flows by name, and what selects among the features of all of them.
_Step = tuple[list[tuple[str, Flow]], Any]


def _split(method: Any) -> tuple[list[_Step], Any]:
    """The steps of a classifier of images, none if it takes the images themselves, and what decides on them."""
    if isinstance(method, TwoFlowClassifier):
        union, rest = method.split()
        flows = dict(union.flows)
        steps = [(_members(name, flows[name]), selector) for name, selector, _ in rest["select"].transformers]
        return steps, rest["head"]
    if isinstance(method, Pipeline) and isinstance(method.steps[0][1], Flow) and len(method) > 1:
        return [(_members(*method.steps[0]), "passthrough")], Pipeline(method.steps[1:])
    return [], method


def _parts(steps: Sequence[_Step], columns: Mapping[str, np.ndarray]) -> list[Part]:
    """One for each step; those that select nothing, where they stand side by side, as one."""
    parts: list[Part] = []
    for members, selector in steps:
        own = np.concatenate([columns[identity(flow)] for _, flow in members])
        flows = tuple((name, len(columns[identity(flow)])) for name, flow in members)
        if parts and selector == "passthrough" == parts[-1].selector:
            before = parts.pop()
            own, flows = np.concatenate([before.columns, own]), before.flows + flows
        parts.append(Part(own, selector, flows, joblib.hash((own, selector))))
    return parts


def _shared(methods: Sequence[Method]) -> list[Part]:
    parts = [part for method in methods for part in method.parts or () if part.selector != "passthrough"]
    counts = Counter(part.key for part in parts)
    return list({part.key: part for part in parts if counts[part.key] > 1}.values())


def _members(name: str, flow: Flow) -> list[tuple[str, Flow]]:
    if not isinstance(flow, FlowUnion):
        return [(name, flow)]
    return [member for inner in flow.flows for member in _members(*inner)]


def _checked_size(model: Any) -> tuple[int, int] | None:
    """The one size of a method's images; it is wrong now rather than after the features."""
    if not isinstance(model, ConvNetClassifier):
        return None
    model.check_parameters()
    width, height = model.size
    return width, height
