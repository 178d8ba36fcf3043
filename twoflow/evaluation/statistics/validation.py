"""What may be handed to a statistic."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import InputError
from ...images.validation import to_values

ROUNDING = 1e-12
"""Differences of scores that are closer than this are equal but for rounding in the subtraction."""


def score_differences(first: Any, second: Any) -> np.ndarray:
    """First minus second, of shape (n,); what is nothing but rounding becomes 0."""
    first, second = _scores(first, second)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise InputError(f"scores must be two equally long sequences, got shapes {first.shape} and {second.shape}")
    return _subtract(first, second)


def five_by_two_differences(first: Any, second: Any) -> np.ndarray:
    """First minus second, of shape (5, 2); what is nothing but rounding becomes 0."""
    first, second = _scores(first, second)
    if first.shape != (5, 2) or second.shape != (5, 2):
        raise InputError(
            f"scores must have shape (5, 2), five replications of two folds, got {first.shape} and {second.shape}"
        )
    return _subtract(first, second)


def check_confidence(confidence: float) -> None:
    """Raise ValueError unless it lies between 0 and 1."""
    if not 0 < confidence < 1:
        raise InputError(f"confidence must be between 0 and 1, got {confidence!r}")


def overlap_ratio(n_train: Any, n_test: Any, n_differences: int) -> tuple[float, str]:
    """The ratio of images tested to trained on, the mean over folds, and how it corrects, in words."""
    sizes = [_sizes(name, size, n_differences) for name, size in (("n_train", n_train), ("n_test", n_test))]
    ratios = np.broadcast_to(sizes[1] / sizes[0], n_differences)
    mean, equal = float(ratios.mean()), ratios.min() == ratios.max()
    return mean, (
        f"corrected for overlapping training sets, test to train {mean:.4f}"
        + ("" if equal else f", the mean of {ratios.min():.4f} to {ratios.max():.4f}")
    )


def label_columns(**columns: Any) -> list[np.ndarray]:
    """The columns as arrays of shape (n,); ValueError if they are no equally long columns of labels, naming one."""
    arrays: dict[str, np.ndarray] = {}
    for name, values in columns.items():
        if np.ndim(values) == 0:
            raise InputError(f"{name} must be a sequence of labels, got {values!r}")
        array = to_values(name, values)
        if array.ndim != 1 or not len(array):
            raise InputError(f"{name} must be a sequence of labels, got shape {array.shape}")
        arrays[name] = array
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise InputError(f"the columns must be equally long, got {lengths}")
    return list(arrays.values())


def right(y_true: np.ndarray, y_predicted: np.ndarray) -> np.ndarray:
    """Which predictions are right; ValueError if none could be, since one column is text and the other numbers."""
    if len({labels.dtype.kind in "US" for labels in (y_true, y_predicted) if labels.dtype != object}) > 1:
        raise InputError("some labels are text and others numbers, so that no prediction could be right")
    return np.asarray(y_true == y_predicted, dtype=bool)


def categories(name: str, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct labels, and each label's position among them."""
    try:
        found, positions = np.unique(labels, return_inverse=True)
    except TypeError:
        raise InputError(f"{name} mixes kinds of labels that cannot be told apart by sorting") from None
    return found, positions


def _scores(*scores: Any) -> list[np.ndarray]:
    arrays = [np.asarray(values, dtype=float) for values in scores]
    if not all(np.isfinite(array).all() for array in arrays):
        raise InputError("scores must be finite numbers")
    return arrays


def _subtract(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    differences = first - second
    return np.where(np.abs(differences) <= ROUNDING, 0.0, differences)


def _sizes(name: str, sizes: Any, n_differences: int) -> np.ndarray:
    array = np.asarray(sizes, dtype=float)
    if array.ndim and array.shape != (n_differences,) or not (np.isfinite(array) & (array > 0)).all():
        raise InputError(f"{name} must be positive, one number or {n_differences}")
    return array
