"""Handing the groups of pictures to those estimators that leave whole groups out when they try something."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter


def fit_parameters(estimator: Any, groups: np.ndarray | None) -> dict[str, np.ndarray]:
    """What `fit` of an estimator is given besides X and y: the groups, if there are any and it takes them.

    Of a pipeline, its last step takes them.
    """
    if groups is None:
        return {}
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return {f"{name}__{parameter}": values for parameter, values in fit_parameters(last, groups).items()}
    return {"groups": groups} if has_fit_parameter(estimator, "groups") else {}
