"""Several targets: an image may lack some labels, but not all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from .passed_over import name_first
from .reading import Source, describe
from .targets import NO_LABEL, classes_of, default_names, has_label, join_targets, split_targets, to_columns
from .validation import is_missing, to_values, unmask


def to_partial_targets(labels: Any, names: Sequence[str] | None = None) -> np.ndarray:
    """Convert labels of one target or of several to an array; with several, each image needs only one label.

    Parameters
    ----------
    labels : array-like of shape (n,) or (n, k)
        As `to_targets` takes them. With several targets, None, NaN and blank text are missing labels.
    names : sequence of k str, optional
        How an error names the targets. By default as `default_names` does.

    Returns
    -------
    ndarray of shape (n,) for one target, (n, k) for several
        A missing label is `NO_LABEL`, "". Numbers stay numbers: a target of numbers with missing labels is of objects.
        Whole numbers are of type int there, because pandas turns 1 into 1.0 where others are missing.

    Raises
    ------
    ValueError
        If there is one target and a label is missing, or an image has no label.

    Examples
    --------
    >>> to_partial_targets([["tee", "red"], ["tee", None]]).tolist()
    [['tee', 'red'], ['tee', '']]
    >>> to_partial_targets([["tee", 1990.0], ["cap", float("nan")]]).tolist()
    [['tee', 1990], ['cap', '']]
    """
    columns = to_columns(labels)
    if len(columns) == 1:
        return to_values("labels", columns[0])
    shown = names if names is not None and len(names) == len(columns) else default_names(len(columns))
    targets = [_to_target(name, column) for name, column in zip(shown, columns)]
    none = np.flatnonzero(~np.any([has_label(target) for target in targets], axis=0))
    if len(none):
        raise InputError(
            f"labels: expected a label of at least one target for each image, got none for {len(none)} of "
            f"{len(targets[0])} images, the first at {none[0]}; fill or drop them"
        )
    return join_targets(targets)


def _to_target(name: str, column: Any) -> np.ndarray:
    """Convert the labels of one target, of shape (n,)."""
    column = unmask(column)
    values = list(column.tolist() if isinstance(column, np.ndarray) and column.dtype == object else column)
    is_known = np.array([not is_missing(value) for value in values], dtype=bool)
    if is_known.all():
        return to_values(f"labels of {name!r}", column)
    known = to_values(f"labels of {name!r}", [value for value, is_label in zip(values, is_known) if is_label])
    if known.dtype.kind == "f" and (known == known.round()).all():
        known = known.astype(int)
    target = np.full(len(values), NO_LABEL, dtype=known.dtype if known.dtype.kind == "U" else object)
    target[is_known] = known if known.dtype.kind == "U" else known.tolist()
    return target


def have_all(labels: np.ndarray) -> np.ndarray:
    """Return which images have a label of every target, of shape (n,).

    Parameters
    ----------
    labels : ndarray of shape (n,) or (n, k)
    """
    return np.logical_and.reduce([has_label(target) for target in split_targets(labels)])


def fill_labels(labels: np.ndarray) -> np.ndarray:
    """Replace each missing label by the most frequent class of its target, the first one at a tie.

    Folds are drawn with these labels: an image without a label is then on either side like any other.

    Parameters
    ----------
    labels : ndarray of shape (n,) or (n, k)

    Returns
    -------
    ndarray of the same shape
        `labels` itself if none is missing.

    Examples
    --------
    >>> fill_labels(np.array([["tee", "red"], ["tee", ""], ["cap", "red"]])).tolist()
    [['tee', 'red'], ['tee', 'red'], ['cap', 'red']]
    """
    return labels if have_all(labels).all() else join_targets(list(map(_fill, split_targets(labels))))


def _fill(target: np.ndarray) -> np.ndarray:
    is_known, classes = has_label(target), classes_of(target)
    if not len(classes):
        return target
    position = np.searchsorted(classes, target[is_known].astype(classes.dtype))
    filled = np.full(len(target), np.bincount(position).argmax())
    filled[is_known] = position
    return classes[filled]


def describe_missing(labels: np.ndarray, names: Sequence[str], images: Sequence[Source]) -> Iterator[str]:
    """Yield a sentence for each target that some images have no label of.

    Parameters
    ----------
    labels : ndarray of shape (n,) or (n, k)
    names : sequence of k str
    images : sequence of n images
        Files are named; other images are named by their position.
    """
    for name, target in zip(names, split_targets(labels)):
        missing = np.flatnonzero(~has_label(target)).tolist()
        if missing:
            named = name_first(_name(images[position], position) for position in missing)
            yield f"{len(missing):,} of {len(target):,} images have no {name}: {named}"


def _name(image: Source, position: int) -> str:
    return describe(image) if isinstance(image, (str, os.PathLike)) else f"image {position}"
