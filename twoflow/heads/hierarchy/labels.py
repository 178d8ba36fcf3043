"""Read labels of several levels as paths, from the broadest label to the finest that is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from ..._text import listed, printable
from ...errors import InputError
from ...images.targets import default_names
from ...images.validation import from_other_library, is_missing, to_values

#: The label of an answer that no class is certain enough for, and of an image that is none of the classes.
UNKNOWN = "unknown"

#: The labels of a node and of those above it, the broadest first.
Path = tuple[Any, ...]


def read_paths(y: Any, names: Sequence[str] | None = None) -> tuple[list[Path], tuple[str, ...]]:
    """Read the labels of each row as a path.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, k)
        A column for each level, the broadest first. Where a finer label is None, NaN, blank or `UNKNOWN`, the path ends
        before it.
    names : sequence of k str, optional
        The names of the levels. By default "class" for one level, and "target 1", "target 2", ... for several.

    Returns
    -------
    paths : list of n tuple
        Empty for a row whose broadest label is `UNKNOWN`.
    names : tuple of k str

    Raises
    ------
    ValueError
        If y is None or has another shape, a broadest label is missing, a label follows a missing one, or labels are
        numbers that are not classes.
    """
    if y is None:
        raise InputError("requires y to be passed, but the target y is None")
    columns = _columns(y)
    names = default_names(len(columns)) if names is None else tuple(names)
    if len(names) != len(columns) or len(set(names)) < len(names):
        raise InputError(
            f"levels: expected {len(columns)} different names, one for each column of labels, got {listed(names)}; "
            "give one name for each column"
        )
    rows = list(zip(*columns))
    paths = []
    for row, labels in enumerate(rows):
        path = tuple(labels[:next((i for i, label in enumerate(labels) if label is None), None)])
        if not path and labels:
            raise InputError(
                f"labels of {names[0]!r}: expected a label in each row, got none in row {row}; fill it, or write "
                f"{UNKNOWN!r} for an image of none of the classes"
            )
        after = [i for i in range(len(path), len(labels)) if labels[i] is not None]
        if after:
            raise InputError(
                f"labels of {names[len(path)]!r}: expected a label in row {row}, because {names[after[0]]!r} is "
                f"{printable(labels[after[0]], 60)}, got none; fill it"
            )
        paths.append(_without_unknown(row, path, names))
    return paths, names


def to_column(labels: Iterable[Any]) -> np.ndarray:
    """Return labels as an array of text or of numbers, and of objects if both occur.

    Examples
    --------
    >>> to_column(["a", "b"]).dtype.kind, to_column([1, 2]).dtype.kind, to_column(["a", 2]).tolist()
    ('U', 'i', ['a', 2])
    """
    labels = list(labels)
    kinds = {isinstance(label, str) for label in labels}
    column = np.empty(len(labels), dtype=object)
    column[:] = labels
    return np.array(labels) if len(kinds) == 1 else column


def _columns(y: Any) -> list[list[Any]]:
    """Return the labels of each level as values of Python, None where they are missing."""
    y = from_other_library(y)
    if not isinstance(y, np.ndarray):
        y = list(y)
        are_rows = [isinstance(row, (list, tuple, np.ndarray)) and np.ndim(row) == 1 for row in y]
        if any(are_rows):
            width = len(y[0]) if are_rows[0] else 1
            wrong = next((i for i, row in enumerate(y) if not are_rows[i] or len(row) != width), None)
            if wrong is not None or not width:
                raise InputError(
                    f"labels: expected {max(width, 1)} in each row as in row 0, got another number in row {wrong or 0}; "
                    "write an empty label where there is none"
                )
            columns: list[Any] = [list(column) for column in zip(*y)]
        else:
            columns = [y]
    elif y.ndim > 2 or y.ndim == 0 or y.ndim == 2 and not y.shape[1]:
        raise InputError(f"y: expected shape (n,) or (n, n_levels), got {y.shape}; pass one column for each level")
    else:
        columns = [y] if y.ndim == 1 else list(y.T)
    return [_read_column(column) for column in columns]


def _read_column(column: Any) -> list[Any]:
    items = to_values("labels", column, may_be_missing=True) if isinstance(column, np.ndarray) else column
    items = [item.item() if hasattr(item, "item") else item for item in (
        items.tolist() if isinstance(items, np.ndarray) else items
    )]
    labels = [None if is_missing(item) else item for item in items]
    known = [label for label in labels if label is not None]
    if any(isinstance(label, (float, complex)) for label in known):
        check_classification_targets(to_column(known))
    return labels


def _without_unknown(row: int, path: Path, names: Sequence[str]) -> Path:
    """End a path before the first `UNKNOWN`; ValueError if a class follows it."""
    if UNKNOWN not in path:
        return path
    end = path.index(UNKNOWN)
    wrong = next((i for i in range(end, len(path)) if path[i] != UNKNOWN), None)
    if wrong is not None:
        raise InputError(
            f"labels of {names[wrong]!r}: expected {UNKNOWN!r} or no label in row {row}, because {names[end]!r} is "
            f"{UNKNOWN!r}, got {printable(path[wrong], 60)}; remove it"
        )
    return path[:end]
