"""Read labels of several levels as paths, from the broadest label to the finest that is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..._text import listed, printable
from ...errors import InputError
from ...images.levels import UNKNOWN, Path
from ...images.targets import default_names
from ..targets import read_targets


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
    labels = read_targets(y)
    labels = labels[:, None] if labels.ndim == 1 else labels
    n_levels = labels.shape[1]
    names = default_names(n_levels) if names is None else check_level_names(names)
    if len(names) != n_levels or len(set(names)) < len(names):
        raise InputError(
            f"levels: expected {n_levels} different names, one for each column of labels, got {listed(names)}; "
            "give one name for each column"
        )
    paths = []
    for row, given in enumerate(labels.tolist()):
        path = tuple(given[:given.index(None)] if None in given else given)
        if not path:
            raise InputError(
                f"labels of {names[0]!r}: expected a label in each row, got none in row {row}; fill it, or write "
                f"{UNKNOWN!r} for an image of none of the classes"
            )
        after = [i for i in range(len(path), n_levels) if given[i] is not None]
        if after:
            raise InputError(
                f"labels of {names[len(path)]!r}: expected a label in row {row}, because {names[after[0]]!r} is "
                f"{printable(given[after[0]], 60)}, got none; fill it"
            )
        paths.append(_without_unknown(row, path, names))
    return paths, names


def check_level_names(names: Any) -> tuple[str, ...]:
    """Return the names of levels as a tuple; ValueError if they are a text, or not all text."""
    if isinstance(names, str) or not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise InputError(
            f"levels: expected a list of names, such as ['category', 'article'], got {printable(repr(names), 60)}; "
            "pass one text for each level"
        )
    return tuple(names)


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
