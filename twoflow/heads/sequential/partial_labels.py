"""Read the labels of several targets where some labels are missing."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...errors import InputError
from ...images.table_objects import find_names
from ...images.targets import default_names
from ..targets import read_targets


class PartialLabels(NamedTuple):
    """The labels of n rows and k targets. Some labels may be missing.

    Attributes
    ----------
    names : tuple of k str
        The names of the targets.
    has_label : ndarray of bool and shape (n, k)
        Whether the row has a label of the target.
    labels : list of k ndarray
        For each target the labels of the rows that have one, in their order, with a type of their own.
    """

    names: tuple[str, ...]
    has_label: np.ndarray
    labels: list[np.ndarray]

    @property
    def n_labeled(self) -> dict[str, int]:
        """How many rows have a label, by target."""
        return dict(zip(self.names, self.has_label.sum(axis=0).tolist()))


def read_partial_labels(y: Any) -> PartialLabels:
    """Read a table of labels.

    Parameters
    ----------
    y : array-like of shape (n, k)
        A column of classes for each target; also a table of pandas, polars or Arrow, whose column names become those of
        the targets. None, NaN and blank text are missing labels.

    Returns
    -------
    PartialLabels

    Raises
    ------
    ValueError
        If y has another shape, or contains numbers that are not classes, or if a target has no label or only one class.
    """
    values = read_targets(y)
    if values.ndim != 2:
        raise InputError(
            f"y: expected shape (n, n_targets), got {values.shape}; pass a column for each target, and for one target "
            "use a classifier of one"
        )
    names = [str(name) for name in find_names(y) or default_names(values.shape[1])]
    has_label = values != np.array(None)
    labels = [_read_column(name, column[known]) for name, column, known in zip(names, values.T, has_label.T)]
    return PartialLabels(tuple(names), has_label, labels)


def _read_column(name: str, labels: np.ndarray) -> np.ndarray:
    """Return the labels of a target as an array with a type of its own."""
    labels = np.array(labels.tolist())
    if not len(labels):
        raise InputError(f"y: expected labels of target {name!r}, got none; leave the target out, or label images")
    if (labels == labels[0]).all():
        raise InputError(
            f"y: a classifier needs at least two classes; all {len(labels)} labels of {name!r} are {labels[0]!s}"
        )
    return labels
