"""What may be handed to a classifier of images as y."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from ..errors import InputError
from ..images.validation import to_values


def check_labels(y: Any) -> np.ndarray:
    """Check that y holds one class for each image and return it as an array of shape (n,).

    Raises
    ------
    ValueError
        If y is None, has the wrong shape, a missing label, or numbers that are no classes; or only one class.
    """
    if y is None:
        raise InputError("requires y to be passed, but the target y is None")
    column_or_1d(y)  # its shape first
    y = to_values("labels", y)
    check_classification_targets(y)
    if len(np.unique(y)) < 2:
        raise InputError(f"a classifier needs at least two classes; all {len(y)} labels are {y[0]!s}")
    return y
