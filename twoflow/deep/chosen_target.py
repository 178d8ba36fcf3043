"""Choose the labels that a network learns, of one target or of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._text import counted, listed
from ..errors import InputError
from ..heads.targets import read_targets
from ..images.targets import default_names


def choose_target(y: Any, target: int | str | None, names: Sequence[str] | None) -> np.ndarray:
    """Return the labels of a target, or of all targets.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, k)
        None, NaN and blank text are missing labels.
    target : int, str or None
        The position of the target's column, or its name. None: all targets.
    names : sequence of k str, or None
        The names of the targets; None: as `twoflow.images.targets.default_names` names them.

    Returns
    -------
    ndarray of object and shape (n,) or (n, k)
        None for a missing label.

    Raises
    ------
    ValueError
        If y is None, or there is no such target.
    """
    labels = read_targets(y)
    if target is None:
        return labels
    n_targets = 1 if labels.ndim == 1 else labels.shape[1]
    positions = dict(zip(names or default_names(n_targets), range(n_targets)))
    position = positions.get(target, -1) if isinstance(target, str) else target
    if not 0 <= position < n_targets:
        raise InputError(
            f"target: expected the position of one of {counted(n_targets, 'target')}, or its name "
            f"({listed(map(repr, positions))}), got {target!r}; correct it, or set target_names"
        )
    return labels if labels.ndim == 1 else labels[:, position]


def encode_finest(labels: np.ndarray) -> np.ndarray:
    """Number the labels of the target with the most classes, the later one at a tie; -1 for a missing label.

    Parameters
    ----------
    labels : ndarray of object and shape (n,) or (n, k)

    Returns
    -------
    ndarray of shape (n,) and dtype int

    Examples
    --------
    >>> encode_finest(np.array([["shoe", "clog"], ["shoe", None], ["bag", "tote"], ["bag", "clutch"]], dtype=object))
    array([ 0, -1,  2,  1])
    """
    columns = [column.tolist() for column in (labels.T if labels.ndim > 1 else [labels])]
    found = [sorted({label for label in column if label is not None}, key=str) for column in columns]
    position = max(range(len(found)), key=lambda position: (len(found[position]), position))
    codes = {label: code for code, label in enumerate(found[position])}
    return np.array([codes.get(label, -1) for label in columns[position]])


def find_labeled(labels: np.ndarray) -> np.ndarray:
    """Return which rows have a label of some target, of shape (n,)."""
    return np.array([any(label is not None for label in np.atleast_1d(row)) for row in labels], dtype=bool)
