"""Plan which features of a comparison are computed once, and which are learned again in every fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import joblib
import numpy as np

from ..flows import FlowUnion
from ..flows.contract import learns_from_data
from ..flows.engine.fingerprint import identity
from ..flows.image_traits import ImageTraits
from ..images.tags import read_tag
from ..models import Step, take_apart
from ..store import StoreLike


class Part(NamedTuple):
    """Some columns of the features, and what selects among them.

    Attributes
    ----------
    columns : ndarray of int and shape (n_columns,)
        Column numbers; see `FeaturePlan.methods`.
    selector : transformer of features or "passthrough"
        Selects among the columns; "passthrough" keeps all.
    flows : tuple of (str, int)
        The flows that the columns belong to, in order: the name and the number of columns of each.
    key : str
        Equal for parts with the same columns and the same selector, its seed included.
    """

    columns: np.ndarray
    selector: Any
    flows: tuple[tuple[str, int], ...]
    key: str


class PreparedMethod(NamedTuple):
    """A method that was taken apart.

    Attributes
    ----------
    parts : list of Part, or None
        The classifier decides on all parts side by side. None if the classifier takes the images themselves.
    classifier : estimator
        Decides; not fitted.
    size : (int, int) or None
        The width and height that the classifier stretches every image to; None if this is not known.
    """

    parts: list[Part] | None
    classifier: Any
    size: tuple[int, int] | None


class FeaturePlan:
    """The flows of all methods, each of them once, and the columns of their features that each method uses.

    Parameters
    ----------
    methods : sequence of estimator
        See `compare`.
    n_jobs, verbose, store
        For the flows; see `Flow`.

    Attributes
    ----------
    once : FlowUnion
        The flows that learn nothing from data, so that an image has the same features in all folds. The last flow gives
        the traits of each image, from which duplicates are found.
    n_once : int
        The number of columns of `once`, without the traits.
    in_fold : FlowUnion or None
        The flows that learn from data. They are fitted in every fold, once for all methods. None if there are none.
    apart : list of Parts
        The methods, taken apart.
    methods : list of PreparedMethod
        Columns are numbered from 0: first those of `once` without the traits, then those of `in_fold`.
    shared : list of Part
        The parts that several methods have, apart from "passthrough". Their selectors are fitted in every fold, once
        for all methods.
    """

    def __init__(self, methods: Sequence[Any], n_jobs: int | None, verbose: bool, store: StoreLike = None) -> None:
        self.apart = [take_apart(method) for method in methods]
        flows = {identity(flow): flow for parts in self.apart for _, flow in parts.flows}
        learning = {key: flow for key, flow in flows.items() if learns_from_data(flow)}
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
            PreparedMethod(_parts(parts.steps, columns) or None, parts.head, _size(parts.head))
            for parts in self.apart
        ]
        self.shared = _shared(self.methods)

    def learned_by(self, method: PreparedMethod) -> list[str]:
        """Return the names, in `in_fold`, of the flows of a method that learn from data."""
        if self.in_fold is None:
            return []
        used = [part.columns - self.n_once for part in method.parts or ()]
        return [
            name for name, own in self.in_fold.slices().items()
            if any(((own.start <= columns) & (columns < own.stop)).any() for columns in used)
        ]


def _parts(steps: Sequence[Step], columns: Mapping[str, np.ndarray]) -> list[Part]:
    """Make a part for each step; adjacent steps that select nothing become one part."""
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
    """Return the size that an estimator stretches every image to, and check its parameters before images are read."""
    if hasattr(model, "check_parameters"):
        model.check_parameters()
    size = read_tag(model, "image_size", None)
    return None if size is None else (size[0], size[1])
