"""Read the labels of several targets where some labels are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from .._text import listed, printable
from ..errors import InputError
from ..images.table_objects import find_names
from ..images.targets import default_names
from .targets import read_targets

#: What classifiers see in the place of "". It is no likely label, and is sorted before nearly all labels, as "" is.
_EMPTY = "!\N{EMPTY SET}"


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

    @property
    def classes(self) -> list[np.ndarray]:
        """The classes of each target, sorted."""
        return [np.unique(labels) for labels in self.labels]

    @property
    def codes(self) -> np.ndarray:
        """The position of each label among the classes of its target, of shape (n, k); -1 for a missing label."""
        codes = np.full(self.has_label.shape, -1)
        for column, known, labels in zip(codes.T, self.has_label.T, self.labels):
            column[known] = np.unique(labels, return_inverse=True)[1]
        return codes


def read_partial_labels(
    y: Any, names: Sequence[str] | None = None, *, missing_is_class: bool = False
) -> PartialLabels:
    """Read a table of labels.

    Parameters
    ----------
    y : array-like of shape (n, k)
        A column of classes for each target; also a table of pandas, polars or Arrow. None, NaN and blank text are
        missing labels.
    names : sequence of k str, optional
        The names of the targets. By default those of the columns of a table, or "target 1", "target 2", ...
    missing_is_class : bool, default=False
        Whether a missing label is a class of its own, which classifiers see as text; `with_empty` turns it into "". By
        default it is no label.

    Returns
    -------
    PartialLabels

    Raises
    ------
    ValueError
        If y has another shape, or contains numbers that are not classes, if there is not a name for each target, or if
        a target has no label or only one class.
    """
    values = read_targets(y)
    if values.ndim != 2:
        raise InputError(
            f"y: expected shape (n, n_targets), got {values.shape}; pass a column for each target, and for one target "
            "use a classifier of one"
        )
    named = [str(name) for name in names or find_names(y) or default_names(values.shape[1])]
    if len(named) != values.shape[1] or len(set(named)) < len(named):
        raise InputError(
            f"target_names: expected {values.shape[1]} different names, one for each column of labels, got "
            f"{listed(named)}; give one name for each column"
        )
    if missing_is_class:
        values = _with_stand_in(values)
    has_label = values != np.array(None)
    labels = [_read_column(name, column[known]) for name, column, known in zip(named, values.T, has_label.T)]
    return PartialLabels(tuple(named), has_label, labels)


def find_positions(parameter: str, given: Iterable[Any], names: Sequence[str]) -> list[int]:
    """Return the positions of targets that are given by name or position, each once.

    Parameters
    ----------
    parameter : str
        What an error calls the given targets.
    given : iterable of str or int
    names : sequence of str
        The names of all targets.
    """
    given = list(given)
    positions = [names.index(each) if each in names else each for each in given]
    are_numbers = all(isinstance(each, Integral) and not isinstance(each, bool) for each in positions)
    if not are_numbers or sorted(positions) != list(range(len(names))):
        raise InputError(
            f"{parameter}: expected each target once, by name ({listed(map(repr, names))}) or by position (0 to "
            f"{len(names) - 1}), got {printable(repr(given), 80)}; names need a y that has them, such as a DataFrame"
        )
    return [int(position) for position in positions]


def with_empty(labels: np.ndarray) -> np.ndarray:
    """Return labels with "" where a missing label was read as a class of its own."""
    return np.where(labels == _EMPTY, "", labels) if labels.dtype.kind == "U" else labels


def _with_stand_in(values: np.ndarray) -> np.ndarray:
    """Replace missing labels by one that classifiers do not take for a missing label."""
    if (values == _EMPTY).any():
        raise InputError(f'y: expected no label {_EMPTY!r}, which stands for "" in classifiers, got one; rename it')
    return np.where(values == np.array(None), np.array(_EMPTY, dtype=object), values)


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
