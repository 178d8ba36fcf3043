"""Read the groups whose rows must stay together, and check that there are enough."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from ..images.validation import to_values


def read_groups(groups: Any) -> np.ndarray | None:
    """Convert groups to an array.

    Parameters
    ----------
    groups : array-like of shape (n,), or None

    Returns
    -------
    ndarray of shape (n,), or None for None

    Raises
    ------
    ValueError
        If the groups have another shape, or one is missing. Missing groups are no group, so they are not guessed.
    """
    if groups is None:
        return None
    values = to_values("groups", groups)
    if values.ndim != 1:
        raise InputError(f"groups: expected shape (n,), got {values.shape}; pass one group for each row")
    return values


def require_several(groups: np.ndarray) -> None:
    """Raise ValueError if all rows are of one group, so that nothing is left to fit on without it."""
    if len(np.unique(groups)) < 2:
        raise InputError("need at least 2 groups, got 1; give more groups, or none")
