"""Check the images, labels and groups that a model is fitted on, given separately or as one collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from ..heads.groups import read_groups
from ..heads.targets import check_targets, read_targets
from ..images import ImageCollection, check_images
from ..images.reading import Source
from ..images.table_objects import find_names
from ..images.targets import to_columns


def check_inputs(
    X: Any, y: Any = None, groups: Any = None, *, several: bool = True, may_be_missing: bool = False
) -> tuple[Sequence[Source], np.ndarray, np.ndarray | None]:
    """Check the arguments of a model's `fit`.

    Parameters
    ----------
    X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
    y : array-like of shape (n,) or (n, k), optional
        Classes; with k targets, a column for each. Default: the labels of the collection.
    groups : array-like of shape (n,), optional
        The group of each image. Default: the groups of the collection, if it has any.
    several : bool, default=True
        Allow several targets. If False, y must have shape (n,).
    may_be_missing : bool, default=False
        Leave the labels to a head that checks them itself; see `TargetsTags`. Missing ones are None.

    Returns
    -------
    images : sequence of n images
    y : ndarray of shape (n,) or (n, k)
    groups : ndarray of shape (n,) or None

    Raises
    ------
    ValueError
        If the lengths differ, or y is missing or contains no classes.
    """
    images, names = check_images(X), None
    if isinstance(X, ImageCollection):
        y, names = (X.labels, X.target_names) if y is None else (y, None)
        groups = X.groups if groups is None else groups
    y = read_targets(y) if may_be_missing else check_targets(y, several=several, names=names)
    groups = read_groups(groups)
    check_consistent_length(images, y, groups)
    return images, y, groups


def has_several_targets(X: Any, y: Any) -> bool:
    """Return whether the labels that `check_inputs` reads have several columns."""
    labels = X.labels if y is None and isinstance(X, ImageCollection) else y
    return labels is not None and len(to_columns(labels)) > 1


def given_names(X: Any, y: Any) -> tuple[str, ...] | None:
    """Return the names of the targets that `check_inputs` reads: those of a collection or table; None without names."""
    if y is None:
        return X.target_names if isinstance(X, ImageCollection) else None
    names = find_names(y)
    return None if names is None else tuple(map(str, names))


def name_levels(model: Any, names: Sequence[str] | None) -> None:
    """Give the levels of a fitted model names, if it has levels and there are names."""
    if names is not None and hasattr(model, "name_levels"):
        model.name_levels(names)
