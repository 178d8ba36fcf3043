"""Targets: one column of labels or several, which labels are missing, and which target is the finest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from .validation import from_other_library, to_values

#: The name of the target of a collection that has one target without a name.
DEFAULT_NAME = "class"

#: What `labels` hold where an image has no label of a target.
NO_LABEL = ""


def default_names(n_targets: int) -> tuple[str, ...]:
    """Return the names of targets that were given none: "class" for one, "target 1", "target 2", ... for several."""
    return (DEFAULT_NAME,) if n_targets == 1 else tuple(f"target {number}" for number in range(1, n_targets + 1))


def to_targets(labels: Any, names: Sequence[str] | None = None) -> np.ndarray:
    """Convert labels to an array of one target or of several.

    Parameters
    ----------
    labels : array-like of shape (n,) or (n, k)
        Also a Series, or a table of pandas, polars or Arrow with one column for each target.
    names : sequence of k str, optional
        How an error names the targets. By default as `default_names` does.

    Returns
    -------
    ndarray of shape (n,) for one target, (n, k) for several
        Columns of different kinds, such as text and numbers, are kept as objects.

    Raises
    ------
    ValueError
        If a label is missing, or the rows have different numbers of labels.

    Examples
    --------
    >>> to_targets([["nike", "air"], ["puma", "suede"]]).shape
    (2, 2)
    """
    columns = to_columns(labels)
    if len(columns) == 1:
        return to_values("labels", columns[0])
    shown = names if names is not None and len(names) == len(columns) else default_names(len(columns))
    return join_targets([to_values(f"labels of {name!r}", column) for name, column in zip(shown, columns)])


def join_targets(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Put the labels of several targets side by side; `split_targets` is the inverse.

    Parameters
    ----------
    columns : sequence of k ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n, k)
        Columns of different kinds, such as text and numbers, are kept as objects.

    Examples
    --------
    >>> join_targets([np.array(["nike", "puma"]), np.array([1990, 1968])]).tolist()
    [['nike', 1990], ['puma', 1968]]
    """
    kinds = {column.dtype.kind for column in columns}
    if len(kinds) > 1 and not kinds <= set("biuf"):
        columns = [column.astype(object) for column in columns]
    return np.column_stack(columns)


def split_targets(labels: np.ndarray) -> list[np.ndarray]:
    """Return the labels of each target, of shape (n,), with a type of their own.

    A target of numbers with missing labels is an array of objects; see `to_partial_targets`.

    Examples
    --------
    >>> labels = np.array([["nike", 1990], ["puma", 1968]], dtype=object)
    >>> [target.dtype.kind for target in split_targets(labels)]
    ['U', 'i']
    """
    if labels.ndim == 1:
        return [labels]
    return list(map(with_own_type, labels.T))


def with_own_type(column: np.ndarray) -> np.ndarray:
    """Convert objects to text or numbers; leave other arrays, and numbers that have "" beside them, as they are."""
    if column.dtype != object:
        return column
    labels = column.tolist()
    texts = {label for label in labels if isinstance(label, str)}
    are_numbers = texts == {NO_LABEL} and len(labels) > labels.count(NO_LABEL)
    return column if are_numbers else np.array(labels)


def has_label(target: np.ndarray) -> np.ndarray:
    """Return which images have a label of a target, of shape (n,).

    Examples
    --------
    >>> has_label(np.array(["red", "", "blue"])).tolist()
    [True, False, True]
    """
    return target != NO_LABEL if target.dtype.kind in "UO" else np.ones(len(target), dtype=bool)


def classes_of(target: np.ndarray) -> np.ndarray:
    """Return the distinct labels of a target, sorted; a missing label is none.

    Examples
    --------
    >>> classes_of(np.array([1990, "", 1968, 1990], dtype=object)).tolist()
    [1968, 1990]
    """
    return np.unique(with_own_type(target[has_label(target)]))


def all_right(y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return which images are right, of shape (n,): with several targets, those whose targets are all right.

    Parameters
    ----------
    y, predicted : ndarray of shape (n,) or (n, k)
    """
    pairs = zip(split_targets(y), split_targets(predicted))
    return np.logical_and.reduce([true == given for true, given in pairs])


def finest_position(labels: np.ndarray) -> int:
    """Return the position of the finest target: the one with the most classes, the later one at a tie."""
    counts = [len(classes_of(target)) for target in split_targets(labels)]
    return max(range(len(counts)), key=lambda position: (counts[position], position))


def finest(labels: np.ndarray) -> np.ndarray:
    """Return the labels of the finest target, which folds are stratified by.

    Parameters
    ----------
    labels : ndarray of shape (n,) or (n, k)

    Returns
    -------
    ndarray of shape (n,)
        The labels themselves if there is one target. Otherwise the target with the most classes, and the later one at
        a tie.

    Examples
    --------
    >>> finest(np.array([["nike", "air"], ["nike", "dunk"], ["puma", "suede"]])).tolist()
    ['air', 'dunk', 'suede']
    """
    return split_targets(labels)[finest_position(labels)]


def to_columns(labels: Any) -> list[Any]:
    """Return the columns of a table of labels, as `to_targets` takes it; an array of another shape is one column."""
    labels = from_other_library(labels)
    if isinstance(labels, np.ndarray):
        return list(labels.T) if labels.ndim == 2 and labels.shape[1] > 0 else [labels]
    labels = list(labels)
    rows = [item if isinstance(item, (list, tuple, np.ndarray)) and np.ndim(item) == 1 else [item] for item in labels]
    widths = [len(row) for row in rows]
    for number, width in enumerate(widths):
        if width != widths[0]:
            raise InputError(
                f"labels: expected {widths[0]} in each row as in row 0, got {width} in row {number}; "
                "complete or remove the row"
            )
    return [list(column) for column in zip(*rows)] or [labels]
