"""Check the input of the statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import InputError
from ...images.validation import from_other_library, is_missing, to_values

ROUNDING = 1e-12
"""Differences of scores are equal if they are this close: the subtraction rounds."""


def score_differences(first: Any, second: Any) -> np.ndarray:
    """Subtract second from first, of shape (n,); differences within the rounding error become 0."""
    first, second = _scores(first, second)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise InputError(f"expected two equally long sequences of scores, got shapes {first.shape} and {second.shape}")
    return _subtract(first, second)


def five_by_two_differences(first: Any, second: Any) -> np.ndarray:
    """Subtract second from first, of shape (5, 2); differences within the rounding error become 0."""
    first, second = _scores(first, second)
    if first.shape != (5, 2) or second.shape != (5, 2):
        raise InputError(
            f"expected scores of shape (5, 2), five replications of two folds, got {first.shape} and {second.shape}"
        )
    return _subtract(first, second)


def check_confidence(confidence: float) -> None:
    """Check that the confidence lies between 0 and 1."""
    if not 0 < confidence < 1:
        raise InputError(f"expected a confidence between 0 and 1, such as 0.95, got {confidence!r}")


def overlap_ratio(n_train: Any, n_test: Any, n_differences: int) -> tuple[float, str]:
    """Return n_test / n_train, the mean over folds, and the sentence about the correction."""
    sizes = [_sizes(name, size, n_differences) for name, size in (("n_train", n_train), ("n_test", n_test))]
    ratios = np.broadcast_to(sizes[1] / sizes[0], n_differences)
    mean, equal = float(ratios.mean()), ratios.min() == ratios.max()
    return mean, (
        f"corrected for overlapping training sets, n_test / n_train = {mean:.4f}"
        + ("" if equal else f", the mean of {ratios.min():.4f} to {ratios.max():.4f}")
    )


def has_spread(differences: np.ndarray, n_test: Any = None) -> bool:
    """Return whether there is any spread to judge by.

    Parameters
    ----------
    differences : ndarray of shape (n,)
    n_test : int or array-like of shape (n,), optional
        Numbers of test images. If the differences are those of accuracies, they must then lie more than half an image
        apart: 2 of 50 and 2 of 51 images are no spread, although 2/50 and 2/51 differ. By default only rounding is
        ignored.
    """
    apart = float(np.ptp(differences))
    if apart <= ROUNDING:
        return False
    if n_test is None:
        return True
    sizes = np.broadcast_to(np.asarray(n_test, dtype=float), differences.shape)
    counts = differences * sizes
    are_counts = bool((np.abs(counts - np.round(counts)) <= ROUNDING * sizes).all())
    return not are_counts or apart * sizes.max() > 0.5


def label_columns(**columns: Any) -> list[np.ndarray]:
    """Convert columns of labels to arrays of shape (n,).

    Raises
    ------
    ValueError
        If they are not equally long 1-D columns without missing values. The message names the column.
    """
    arrays = {name: _one_column(name, values, to_values) for name, values in columns.items()}
    check_lengths([*arrays], [*arrays.values()])
    return list(arrays.values())


def labels_or_none(name: str, labels: Any) -> np.ndarray:
    """Convert a column of labels to objects, of shape (n,), in which None takes the place of a missing label.

    Missing are None, NaN and empty text.

    Raises
    ------
    ValueError
        If the labels are not a 1-D column.
    """
    array = _one_column(name, labels, _to_objects)
    array[[is_missing(label) for label in array]] = None
    return array


def check_lengths(names: Sequence[str], arrays: Sequence[np.ndarray]) -> None:
    """Check that columns are equally long; an error lists their names and lengths."""
    if len({len(array) for array in arrays}) > 1:
        lengths = ", ".join(f"{name} {len(array)}" for name, array in zip(names, arrays))
        raise InputError(f"expected equally long columns, got {lengths}")


def right(y_true: np.ndarray, y_predicted: np.ndarray) -> np.ndarray:
    """Return which predictions are right.

    Raises
    ------
    ValueError
        If one column is text and the other numbers, so that no prediction could be right.
    """
    if len({labels.dtype.kind in "US" for labels in (y_true, y_predicted) if labels.dtype != object}) > 1:
        raise InputError("expected labels and predictions of one type, got text and numbers; convert one of them")
    return np.asarray(y_true == y_predicted, dtype=bool)


def categories(name: str, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct labels, sorted, and each label's position among them."""
    try:
        found, positions = np.unique(labels, return_inverse=True)
    except TypeError:
        raise InputError(
            f"{name}: expected labels of one type, got types that cannot be sorted together; convert them to text"
        ) from None
    return found, positions


def _one_column(name: str, values: Any, convert: Callable[[str, Any], np.ndarray]) -> np.ndarray:
    if np.ndim(values) == 0:
        raise InputError(f"{name}: expected a sequence of labels, got {values!r}")
    array = convert(name, values)
    if array.ndim != 1 or not len(array):
        raise InputError(f"{name}: expected a 1-D sequence of labels, got shape {array.shape}")
    return array


def _to_objects(name: str, values: Any) -> np.ndarray:
    # A list becomes an array of objects first: in one of text, NaN would become the word "nan", a label like any other.
    values = from_other_library(values)
    values = values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
    return to_values(name, values, may_be_missing=True).astype(object)


def _scores(*scores: Any) -> list[np.ndarray]:
    arrays = [np.asarray(values, dtype=float) for values in scores]
    if not all(np.isfinite(array).all() for array in arrays):
        raise InputError("expected scores that are finite numbers, got NaN or infinity")
    return arrays


def _subtract(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    differences = first - second
    return np.where(np.abs(differences) <= ROUNDING, 0.0, differences)


def _sizes(name: str, sizes: Any, n_differences: int) -> np.ndarray:
    array = np.asarray(sizes, dtype=float)
    if array.ndim and array.shape != (n_differences,) or not (np.isfinite(array) & (array > 0)).all():
        raise InputError(f"{name}: expected one positive number, or {n_differences}, one a fold, got {sizes!r}")
    return array
