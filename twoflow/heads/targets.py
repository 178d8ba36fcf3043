"""Checks of the labels that a classifier learns, `y`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from ..errors import InputError
from ..images.targets import default_names, split_targets, to_targets


def check_targets(y: Any, *, several: bool = True, names: Sequence[str] | None = None) -> np.ndarray:
    """Check that y contains one class for each image and target, and return it as an array.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, k)
    several : bool
        Whether y may have several columns, one for each target. This is the default; with False, for classifiers that
        learn one target only, other shapes than (n,) and (n, 1) are an error.
    names : sequence of k str, optional
        What an error calls the targets. By default as `default_names` does.

    Returns
    -------
    ndarray of shape (n,) for one target, (n, k) for several

    Raises
    ------
    ValueError
        If y is None, has the wrong shape, a missing label (the message names its row and target), numbers that are not
        classes, or a target with only one class.
    """
    if y is None:
        raise InputError("requires y to be passed, but the target y is None")
    if not several:
        column_or_1d(y)  # refuses any other shape
    y = to_targets(y, names)
    if y.ndim > 2:
        raise InputError(f"y: expected shape (n,) or (n, n_targets), got {y.shape}; pass one column for each target")
    targets = split_targets(y)
    for name, target in zip(names or default_names(len(targets)), targets):
        check_classification_targets(target)
        if len(np.unique(target)) < 2:
            which = "" if y.ndim == 1 else f" of {name!r}"
            raise InputError(f"a classifier needs at least two classes; all {len(y)} labels{which} are {target[0]!s}")
    return y


@dataclass
class TargetsTags(Tags):
    """The tags of scikit-learn, and what models must know of a head that learns several targets.

    Attributes
    ----------
    learns_targets_together : bool
        Whether the head learns all targets in one fit, and checks the labels itself: some may be missing. Models then
        do not give each target a head of its own. The default is False.
    """

    learns_targets_together: bool = False


def extend_targets_tags(tags: Tags) -> TargetsTags:
    """Copy tags into `TargetsTags` of a head that learns all targets together."""
    return TargetsTags(**{field.name: getattr(tags, field.name) for field in fields(tags)}, learns_targets_together=True)
