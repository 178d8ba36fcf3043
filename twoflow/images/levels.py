"""Levels: labels from broad to fine, which may end early. A row of labels up to where it ends is a path."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._text import counted, printable
from ..errors import InputError
from .passed_over import name_first
from .targets import default_names, join_targets, split_targets, to_columns
from .validation import is_missing, to_values

#: The broadest label of an image that is out of scope, and the answer for an image that no class is sure enough for.
UNKNOWN = "unknown"

#: The labels of one image, without those that are missing.
Path = tuple[Any, ...]


def to_levels(labels: Any, names: Sequence[str] | None = None) -> np.ndarray:
    """Convert labels of several levels to an array.

    Parameters
    ----------
    labels : array-like of shape (n, k)
        From broad to fine. A label may be missing (None, NaN, blank text or `UNKNOWN`) at a level if all finer ones are
        missing too; at the broadest level none may be.
    names : sequence of k str, optional
        How an error names the levels. By default "target 1", "target 2", ...

    Returns
    -------
    ndarray of shape (n, k)
        A missing label is "". If the broadest label is `UNKNOWN`, the image is out of scope, and all its labels are
        `UNKNOWN`.

    Raises
    ------
    ValueError
        If there is only one level, a label is missing where it may not be, a level has no label at all, a level with
        missing labels is not text, or an image that is out of scope has a finer label.

    Examples
    --------
    >>> to_levels([["shoes", "boot"], ["bags", None]]).tolist()
    [['shoes', 'boot'], ['bags', '']]
    """
    columns = [list(column) for column in to_columns(labels)]
    if len(columns) < 2 or any(np.ndim(label) for column in columns for label in column):
        raise InputError(
            "levels: expected labels of at least two levels, from broad to fine, for each image, got one; leave out "
            "levels"
        )
    shown = names if names is not None and len(names) == len(columns) else default_names(len(columns))
    is_there = np.array([[not _ends(label, level) for label in column] for level, column in enumerate(columns)])
    if columns[0] and all(label == UNKNOWN for label in columns[0]):
        raise InputError(
            f"levels: expected classes in {shown[0]!r}, got {UNKNOWN!r}, out of scope, for all images; add images of "
            "the classes"
        )
    for name, column, there in zip(shown, columns, is_there):
        if not there.any():
            raise InputError(f"levels: expected labels of {name!r}, got none; leave this level out")
        if not there.all() and not all(isinstance(label, str) for label, is_label in zip(column, there) if is_label):
            raise InputError(
                f"levels: expected text where labels are missing, got other values of {name!r}; write them as text"
            )
    _check_ends(is_there, shown)
    checked = [
        to_values(name, [label if is_label else "" for label, is_label in zip(column, there)], may_be_missing=True)
        for name, column, there in zip(shown, columns, is_there)
    ]
    outside = np.array([label == UNKNOWN for label in columns[0]])
    for position in np.flatnonzero(outside).tolist():
        if is_there[1:, position].any():
            raise InputError(
                f"levels: expected no finer label for an image that is {UNKNOWN!r} at the level {shown[0]!r}, got one "
                f"for image {position}; remove it, or correct the broadest label"
            )
    if outside.any():
        checked = [checked[0], *(np.where(outside, UNKNOWN, column) for column in checked[1:])]
    return join_targets(checked)


def _ends(label: Any, level: int) -> bool:
    """Return whether there is no label at a level, so that the path ends before it."""
    return is_missing(label) or level > 0 and isinstance(label, str) and label.strip() == UNKNOWN


def _check_ends(is_there: np.ndarray, names: Sequence[str]) -> None:
    """Check that no label is missing at the broadest level, or above one that is there."""
    missing = np.flatnonzero(~is_there[0])
    if len(missing):
        raise InputError(
            f"labels of {names[0]!r}: {len(missing)} missing (NaN or empty), the first at {missing[0]}; fill or drop "
            "them: only finer levels may be missing"
        )
    for broad, fine, name in zip(is_there, is_there[1:], names):
        gaps = np.flatnonzero(fine & ~broad)
        if len(gaps):
            raise InputError(
                f"labels of {name!r}: missing for image {gaps[0]}, which has a finer label; fill it, or remove the "
                "finer one"
            )


def paths_of(labels: np.ndarray) -> list[Path]:
    """Return the path of each row of labels of shape (n, k): the labels up to the first that is missing.

    The path of an image that is out of scope is ``(UNKNOWN,)``.
    """
    rows = zip(*(column.tolist() for column in split_targets(labels)))
    return [row[:1] if row[0] == UNKNOWN else row[:row.index("")] if "" in row else row for row in rows]


def name_path(path: Path) -> str:
    r"""Return the name of a path: its labels with slashes between them. A slash in a label becomes ``\/``.

    Examples
    --------
    >>> name_path(("shoes", "boot")), name_path(("shoes", "4/4"))
    ('shoes/boot', 'shoes/4\\/4')
    """
    return "/".join(str(label).replace("\\", "\\\\").replace("/", "\\/") for label in path)


def name_paths(labels: np.ndarray) -> np.ndarray:
    """Return the name of the path of each row of labels of shape (n, k); see `name_path`."""
    return np.array([name_path(path) for path in paths_of(labels)])


def are_inner(labels: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """Return which rows have a path that other rows go on below: they are partly labeled.

    Parameters
    ----------
    labels : ndarray of shape (n, k)
    among : ndarray of bool and shape (n,), optional
        The rows that may go on below. By default all rows.

    Returns
    -------
    ndarray of bool and shape (n,)
    """
    paths = paths_of(labels)
    others = set(paths) if among is None else {path for path, is_among in zip(paths, among) if is_among}
    inner = {path[:depth] for path in others for depth in range(1, len(path))}
    return np.array([path in inner for path in paths], dtype=bool)


def strata(labels: np.ndarray) -> np.ndarray:
    """Return what folds keep in proportion: the name of each row's path.

    A partly labeled row has that of the most frequent complete path below its own, the first one at a tie.

    Parameters
    ----------
    labels : ndarray of shape (n, k)

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> strata(np.array([["shoes", "boot"], ["shoes", ""], ["bags", ""]])).tolist()
    ['shoes/boot', 'shoes/boot', 'bags']
    """
    paths, partial = paths_of(labels), are_inner(labels)
    counts = Counter(path for path, is_partial in zip(paths, partial) if not is_partial)
    below: dict[Path, Path] = {}
    for path in sorted(counts, key=lambda path: (-counts[path], name_path(path))):
        for depth in range(1, len(path)):
            below.setdefault(path[:depth], path)
    return np.array([name_path(below[path] if is_partial else path) for path, is_partial in zip(paths, partial)])


def describe_levels(labels: np.ndarray, names: Sequence[str]) -> Iterator[str]:
    """Yield a sentence on each thing that a reader of levels may not expect; none if there are none.

    These are images that are partly labeled or out of scope, and names under several parents.
    """
    n_partial = int(are_inner(labels).sum())
    if n_partial:
        yield f"partly labeled, a finer label is missing: {counted(n_partial, 'image')}"
    n_outside = int((split_targets(labels)[0] == UNKNOWN).sum())
    if n_outside:
        yield f"out of scope, {UNKNOWN!r} at the broadest level: {counted(n_outside, 'image')}"
    for depth, name in enumerate(names[1:], start=1):
        parents = defaultdict(set)
        for path in paths_of(labels):
            if len(path) > depth and path[0] != UNKNOWN:
                parents[path[depth]].add(path[:depth])
        several = sorted(str(label) for label, found in parents.items() if len(found) > 1)
        if several:
            yield f"{printable(name)}: {counted(len(several), 'name')} under several parents ({name_first(several)})"
