"""What a model is fitted on: images, labels and groups, given apart or as one collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from ..heads.targets import check_targets
from ..images import ImageCollection, check_images
from ..images.reading import Source


def check_inputs(
    X: Any, y: Any = None, groups: Any = None, *, several: bool = True
) -> tuple[Sequence[Source], np.ndarray, np.ndarray | None]:
    """Check what `fit` of a model was given.

    Parameters
    ----------
    X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
    y : array-like of shape (n,) or (n, k), optional
        Classes, of k targets if there are several. Default: the labels of the collection.
    groups : array-like of shape (n,), optional
        Groups. Default: those of the collection, if it has any.
    several : bool, default=True
        Whether y may have several columns, one for each target.

    Returns
    -------
    images : sequence of n images
    y : ndarray of shape (n,) or (n, k)
    groups : ndarray of shape (n,) or None

    Raises
    ------
    ValueError
        If the lengths differ, or y is missing or holds no classes.
    """
    images = check_images(X)
    if isinstance(X, ImageCollection):
        y = X.labels if y is None else y
        groups = X.groups if groups is None else groups
    y = check_targets(y, several=several)
    groups = None if groups is None else np.asarray(groups)
    check_consistent_length(images, y, groups)
    return images, y, groups
