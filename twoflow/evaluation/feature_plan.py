"""Which features of a comparison's methods are computed once, and which are fitted in every fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import joblib
import numpy as np
from sklearn.utils import get_tags

from ..flows import FlowUnion
from ..flows.contract import StoreLike
from ..flows.engine.fingerprint import identity
from ..flows.image_traits import ImageTraits
from ..models import Step, take_apart


class Part(NamedTuple):
    """Some columns of the features, and what selects among them.

    Attributes
    ----------
    columns : ndarray of int and shape (n_columns,)
    selector : transformer of features or "passthrough"
    flows : tuple of (str, int)
        Whose columns they are, in their order: the name of each flow and how many it has.
    key : str
        Equal for parts of the same features, selector and seed.
    """

    columns: np.ndarray
    selector: Any
    flows: tuple[tuple[str, int], ...]
    key: str


class PreparedMethod(NamedTuple):
    """A method, taken apart.

    Attributes
    ----------
    parts : list of Part, or None
        What, side by side, the classifier is given; None where it is given the images themselves.
    classifier : estimator
    size : (int, int) or None
        The width and height that the method stretches every image to; None where that is not known.
    """

    parts: list[Part] | None
    classifier: Any
    size: tuple[int, int] | None


class FeaturePlan:
    """The flows of all methods, each once, and what every method makes of their features.

    Attributes
    ----------
    once : FlowUnion
        The flows that learn nothing from data, so that an image has the same features in all folds; and after these the
        traits of each image, to find duplicates by.
    n_once : int
        How many columns that is without the traits.
    in_fold : FlowUnion or None
        The flows that learn from data, to be fitted in every fold, once for all methods.
    methods : list of PreparedMethod
        Their columns are those of `once` without the traits, followed by those of `in_fold`.
    shared : list of Part
        The parts with a selector that several methods have, to be fitted in every fold once for all of them.
    """

    def __init__(self, methods: Sequence[Any], n_jobs: int | None, verbose: bool, store: StoreLike = None) -> None:
        apart = [take_apart(method) for method in methods]
        flows = {identity(flow): flow for parts in apart for _, flow in parts.flows}
        learning = {key: flow for key, flow in flows.items() if flow.__sklearn_tags__().learns_from_data}
        once = {key: flow for key, flow in flows.items() if key not in learning}
        self.n_once = sum(flow._n_features_out for flow in once.values())
        self.once = FlowUnion(
            [*once.items(), ("traits", ImageTraits())], n_jobs=n_jobs, on_error="nan", verbose=verbose, store=store
        )
        self.in_fold = FlowUnion(list(learning.items()), n_jobs=n_jobs, verbose=verbose) if learning else None
        for union in (self.once, self.in_fold):
            if union is not None:
                union._check()
        ordered = {**once, **learning}
        ends = np.cumsum([flow._n_features_out for flow in ordered.values()]).tolist()
        columns = {key: np.arange(start, end) for key, start, end in zip(ordered, [0, *ends], ends)}
        self.methods = [
            PreparedMethod(_parts(parts.steps, columns) or None, parts.head, _size(parts.head)) for parts in apart
        ]
        self.shared = _shared(self.methods)


def _parts(steps: Sequence[Step], columns: Mapping[str, np.ndarray]) -> list[Part]:
    """One for each step; those that select nothing, where they stand side by side, as one."""
    parts: list[Part] = []
    for _, members, selector in steps:
        own = np.concatenate([columns[identity(flow)] for _, flow in members])
        flows = tuple((name, len(columns[identity(flow)])) for name, flow in members)
        if parts and selector == "passthrough" == parts[-1].selector:
            before = parts.pop()
            own, flows = np.concatenate([before.columns, own]), before.flows + flows
        parts.append(Part(own, selector, flows, joblib.hash((own, selector))))
    return parts


def _shared(methods: Sequence[PreparedMethod]) -> list[Part]:
    parts = [part for method in methods for part in method.parts or () if part.selector != "passthrough"]
    counts = Counter(part.key for part in parts)
    return list({part.key: part for part in parts if counts[part.key] > 1}.values())


def _size(model: Any) -> tuple[int, int] | None:
    """The one size that an estimator stretches every image to, checked before any image is read."""
    if hasattr(model, "check_parameters"):
        model.check_parameters()
    size = getattr(get_tags(model), "image_size", None)
    return None if size is None else (size[0], size[1])
