"""The names of the targets that a fitted model has learned."""

from __future__ import annotations

from typing import Any

from ..images.targets import default_names
from .fitted_parts import fitted_parts
from .tree_names import find_hierarchy


def find_target_names(model: Any, n_targets: int) -> tuple[str, ...]:
    """Return the names of what a fitted model predicts: of its targets, or of the levels of its tree of classes.

    Parameters
    ----------
    model : estimator
        A fitted model of images, or the head of one.
    n_targets : int
        How many targets it has, for the names of a model that was fitted without any; see `default_names`.

    Returns
    -------
    tuple of str
        In the order of the columns that `predict` returns.
    """
    head = fitted_parts(model).head
    hierarchy = find_hierarchy(head)
    if hierarchy is not None:
        return tuple(hierarchy.tree_.levels)
    own = getattr(head, "head_", head)  # behind selectors
    return tuple(getattr(own, "target_names_", None) or default_names(n_targets))
