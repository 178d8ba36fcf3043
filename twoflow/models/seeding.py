"""Handing one random state down to the parts of a model."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone


def seeded(part: Any, rng: np.random.RandomState) -> Any:
    """A clone of an estimator whose random states of None are drawn from `rng`; anything else as it is."""
    if not isinstance(part, BaseEstimator):
        return part
    part = clone(part)
    seeds = {
        name: rng.randint(np.iinfo(np.int32).max)
        for name, value in sorted(part.get_params().items())
        if name.split("__")[-1] == "random_state" and value is None
    }
    return part.set_params(**seeds)
