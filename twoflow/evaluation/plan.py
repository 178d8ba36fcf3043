"""What of a comparison's rows can be computed once, and what must be fitted in every fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from ..deep import ConvNetClassifier
from ..flows import Flow, FlowUnion, RawPixels
from ..flows.base import StoreLike
from ..flows.fingerprint import identity
from ..models import TwoFlowClassifier


class Plan:
    """The flows of all rows, each once, and what every row makes of their features.

    Attributes
    ----------
    once : FlowUnion
        The flows that learn nothing from data, so that a picture has the same features in all folds.
    in_fold : FlowUnion or None
        The flows that learn, to be fitted in every fold, once for all rows.
    rows : list of (classifier, column indices or None)
        The columns of a row's features when those of `once` and of `in_fold` stand side by side; None for a row that
        takes the pictures themselves.
    sizes : list of ((int, int) or None)
        The width and height that a row stretches all pictures to; None where that is not known.
    """

    def __init__(self, rows: Sequence[Any], n_jobs: int | None, verbose: bool, store: StoreLike = None) -> None:
        parts = [_split(row) for row in rows]
        flows = {identity(flow): flow for members, _ in parts for flow in members}
        learning = {key: flow for key, flow in flows.items() if flow.__sklearn_tags__().learns_from_data}
        # Without a single flow the pictures must be read all the same, to know which can be.
        once = {key: flow for key, flow in flows.items() if key not in learning} or {"read": RawPixels((1, 1))}
        self.once = FlowUnion(list(once.items()), n_jobs=n_jobs, on_error="nan", verbose=verbose, store=store)
        self.in_fold = FlowUnion(list(learning.items()), n_jobs=n_jobs, verbose=verbose) if learning else None
        for union in (self.once, self.in_fold):
            if union is not None:
                union._check()
        ordered = {**once, **learning}
        ends = np.cumsum([flow._n_features_out for flow in ordered.values()]).tolist()
        columns = {key: np.arange(start, end) for key, start, end in zip(ordered, [0, *ends], ends)}
        self.rows = [
            (model, np.concatenate([columns[identity(flow)] for flow in members]) if members else None)
            for members, model in parts
        ]
        self.sizes = [_checked_size(model) for model, _ in self.rows]


def _split(row: Any) -> tuple[list[Flow], Any]:
    """The flows of a classifier, unions taken apart, and the classifier of their features."""
    if isinstance(row, TwoFlowClassifier):
        union, rest = row.split()
        return _members(union), rest
    if isinstance(row, Pipeline) and isinstance(row.steps[0][1], Flow) and len(row) > 1:
        return _members(row.steps[0][1]), Pipeline(row.steps[1:])
    return [], row


def _members(flow: Flow) -> list[Flow]:
    if not isinstance(flow, FlowUnion):
        return [flow]
    return [member for _, inner in flow.flows for member in _members(inner)]


def _checked_size(model: Any) -> tuple[int, int] | None:
    """The one size of a row's pictures; it is wrong now rather than after the features."""
    if not isinstance(model, ConvNetClassifier):
        return None
    model.check_parameters()
    width, height = model.size
    return width, height
