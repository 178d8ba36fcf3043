"""Seed the parts of a model from one random state."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from ..errors import InputTypeError


def seeded(part: Any, rng: np.random.RandomState) -> Any:
    """Clone an estimator, and draw its random states of None from `rng`.

    An estimator with a `random_state` seeds its nested estimators itself, so those are not changed. Anything that is
    not an estimator, such as "passthrough", is returned as it is.

    Raises
    ------
    TypeError
        If `part` is a class.
    """
    if isinstance(part, type):
        raise InputTypeError(f"expected an estimator, got the class {part.__name__}; write {part.__name__}()")
    if not isinstance(part, BaseEstimator):
        return part
    part = clone(part)
    params = part.get_params()
    owners = {name.removesuffix("random_state") for name in params if name.split("__")[-1] == "random_state"}
    topmost = {owner for owner in owners if not any(owner != other and owner.startswith(other) for other in owners)}
    names = (f"{owner}random_state" for owner in sorted(topmost))
    part.set_params(**{name: rng.randint(np.iinfo(np.int32).max) for name in names if params[name] is None})
    return part  # what set_params returns is None for a FrozenEstimator
