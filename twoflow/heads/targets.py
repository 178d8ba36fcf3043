"""Checks of the labels that a classifier learns, `y`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from .._text import printable
from ..errors import InputError
from ..images.tags import read_tag
from ..images.targets import default_names, split_targets, to_targets
from ..images.validation import from_other_library, is_missing


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


def read_targets(y: Any) -> np.ndarray:
    """Read labels; some may be missing.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, k)
        Also a table of pandas, polars or Arrow. None, NaN and blank text are missing.

    Returns
    -------
    ndarray of object and shape (n,) or (n, k)
        Values of Python; None for a missing label.

    Raises
    ------
    ValueError
        If y is None or has another shape, the rows have different numbers of labels, or the labels of a target are
        numbers that are not classes.
    """
    if y is None:
        raise InputError("requires y to be passed, but the target y is None")
    y = from_other_library(y)
    if not isinstance(y, np.ndarray):
        y = np.asarray(y) if hasattr(y, "__array__") else _to_array(list(y))
    if np.ma.isMaskedArray(y):
        y = np.where(np.ma.getmaskarray(y), np.array(None, dtype=object), y.data)
    if y.ndim not in (1, 2) or y.ndim == 2 and not y.shape[1]:
        raise InputError(f"y: expected shape (n,) or (n, n_targets), got {y.shape}; pass one column for each target")
    if not len(y):
        raise InputError("y: expected labels, got none; pass one for each row")
    labels = np.empty(y.shape, dtype=object)
    labels.ravel()[:] = [_to_label(label) for label in y.ravel().tolist()]
    for column in labels.reshape(len(y), -1).T:
        numbers = [label for label in column if isinstance(label, (float, complex))]
        if numbers and not np.isfinite(numbers).all():
            raise InputError("labels: Input y contains infinity; expected classes, so correct or remove these labels")
        if numbers:
            check_classification_targets(numbers)
    return labels


def _to_array(rows: list[Any]) -> np.ndarray:
    """Return a list of labels, or of rows of labels, as an array of objects."""
    are_rows = [isinstance(row, (list, tuple)) or isinstance(row, np.ndarray) and row.ndim == 1 for row in rows]
    width = len(rows[0]) if any(are_rows[:1]) else None
    for number, row in enumerate(rows):
        if (len(row) if are_rows[number] else None) != width:
            expected, got = (
                "one label" if n is None else f"{n} labels" for n in (width, len(row) if are_rows[number] else None)
            )
            raise InputError(
                f"labels: expected {expected} in each row as in row 0, got {got} in row {number}; write an empty label "
                "where there is none"
            )
    table = np.empty((len(rows),) if width is None else (len(rows), width), dtype=object)
    for number, row in enumerate(rows):
        table[number] = row
    return table


def _to_label(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") and getattr(value, "shape", ()) == () else value
    if is_missing(value):
        return None
    if not isinstance(value, (str, int, float, complex)):
        raise InputError(f"labels: expected text or numbers, got {printable(repr(value), 60)}; convert it")
    return value


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


def learns_several_targets(part: Any) -> bool:
    """Return whether a classifier or selector can be fitted with y of shape (n, k), by the tag of scikit-learn."""
    return get_tags(part).target_tags.multi_output


def learns_targets_together(head: Any) -> bool:
    """Return whether a head learns all targets in one fit; see `TargetsTags`."""
    return read_tag(head, "learns_targets_together", False)


def complete_target_names(estimator: Any, names: Sequence[str] | None) -> Any:
    """Return an estimator whose parts that take names of targets know them, unless they were given others.

    Parameters
    ----------
    estimator : estimator
        It is not changed; a clone is returned if a parameter `target_names` is None.
    names : sequence of str, or None
        With None the estimator itself is returned.
    """
    params = estimator.get_params() if hasattr(estimator, "get_params") else {}
    nameless = [name for name, value in params.items() if name.split("__")[-1] == "target_names" and value is None]
    return estimator if names is None or not nameless else clone(estimator).set_params(**dict.fromkeys(nameless, names))


def extend_targets_tags(tags: Tags) -> TargetsTags:
    """Copy tags into `TargetsTags` of a head that learns all targets together."""
    own = {field.name: getattr(tags, field.name) for field in fields(tags)}
    return TargetsTags(**own, learns_targets_together=True)
