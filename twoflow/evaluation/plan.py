"""What of a comparison's rows can be computed once, and what must be fitted in every fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import joblib
import numpy as np
from sklearn.pipeline import Pipeline

from ..deep import ConvNetClassifier
from ..flows import Flow, FlowUnion, RawPixels
from ..models import TwoFlowClassifier


class Plan:
    """Each row in two: flows that can be computed once for all rows and folds, and what is fitted in each fold.

    Attributes
    ----------
    union : FlowUnion
        The different flows of all rows.
    rows : list of (classifier, column indices or None)
        None for a row that takes the pictures themselves, because its features must be learnt inside the fold.
    sizes : list of ((int, int) or None)
        The width and height that a row stretches all pictures to; None where that is not known.
    """

    def __init__(self, rows: Sequence[Any], n_jobs: int | None, verbose: bool) -> None:
        parts = [_split(row) for row in rows]
        flows = {_key(flow): flow for members, _ in parts for flow in members}
        # Without a single flow the pictures must be read all the same, to know which can be.
        self.union = FlowUnion(
            list(flows.items()) or [("read", RawPixels((1, 1)))], n_jobs=n_jobs, on_error="nan", verbose=verbose
        )
        self.union._check()
        ends = np.cumsum([flow._n_features_out for flow in flows.values()]).tolist()
        columns = {key: np.arange(start, end) for key, start, end in zip(flows, [0, *ends], ends)}
        self.rows = [
            (model, np.concatenate([columns[_key(flow)] for flow in members]) if members else None)
            for members, model in parts
        ]
        self.sizes = [_checked_size(model) for model, _ in self.rows]


def _split(row: Any) -> tuple[list[Flow], Any]:
    """The flows of a classifier that learn nothing from data, and the classifier of their features."""
    if isinstance(row, TwoFlowClassifier):
        union, rest = row.split()
        members = [flow for _, flow in union.flows]
    elif isinstance(row, Pipeline) and isinstance(row.steps[0][1], Flow) and len(row) > 1:
        first = row.steps[0][1]
        members = [flow for _, flow in first.flows] if isinstance(first, FlowUnion) else [first]
        rest = Pipeline(row.steps[1:])
    else:
        return [], row
    if any(flow.__sklearn_tags__().learns_from_data for flow in members):
        return [], row
    return members, rest


def _checked_size(model: Any) -> tuple[int, int] | None:
    """The one size of a row's pictures; it is wrong now rather than after the features."""
    if not isinstance(model, ConvNetClassifier):
        return None
    model.check_parameters()
    width, height = model.size
    return width, height


def _key(flow: Flow) -> str:
    """Equal for flows that compute the same features."""
    running = Flow._parameter_constraints  # how a flow is run has no part in what it computes
    parameters = {name: value for name, value in flow.get_params().items() if name not in running}
    return f"{type(flow).__name__}-{joblib.hash((type(flow), parameters))}"
