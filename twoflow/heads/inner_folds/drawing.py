"""Draw the folds of an inner cross-validation, or rows to validate on, with groups kept together."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils.validation import check_consistent_length

from ...errors import InputError
from ...images.targets import finest
from ..groups import require_several

#: For each fold the rows to fit on and the rows that are held out.
InnerFolds = list[tuple[np.ndarray, np.ndarray]]


def draw_inner_folds(
    y: np.ndarray,
    groups: np.ndarray | None,
    n_splits: int,
    rng: np.random.RandomState,
    *,
    every_class: bool = True,
) -> InnerFolds:
    """Draw stratified folds that keep groups together.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, k)
        Classes. Of several targets, the finest decides: the column with the most classes, and the later one at a tie.
    groups : ndarray of shape (n,) or None
        No group is on both sides of a fold. None means that each row is a group.
    n_splits : int
        The most folds to draw; at least two are drawn.
    rng : RandomState
        Shuffles the rows.
    every_class : bool
        By default there are no more folds than the rarest class has groups, so that each fold can hold out every
        class. With False there are no more folds than the most frequent class has groups: each model is fitted on
        more rows, and rare classes are held out in some folds only.

    Returns
    -------
    list of (ndarray, ndarray)
        For each fold the positions of the rows to fit on and of the rows that are held out.

    Raises
    ------
    ValueError
        If y and groups differ in length, there is one group only, or no class has two groups.
    """
    check_consistent_length(y, groups)
    y = finest(y)
    if groups is not None:
        require_several(groups)
    counts = np.unique(y[_first_rows(y, groups)], return_counts=True)[1]
    if counts.max() < 2:
        unit = "rows" if groups is None else "groups"
        raise InputError(f"expected a class with at least 2 {unit}, got 1 in each class; add {unit} to the classes")
    n_splits = max(2, min(n_splits, int(counts.min() if every_class else counts.max())))
    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = splitter(n_splits, shuffle=True, random_state=rng.randint(np.iinfo(np.int32).max))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return [(train, test) for train, test in folds.split(y, y, groups) if len(train) and len(test)]


def draw_held_out(
    y: np.ndarray, groups: np.ndarray | None, fraction: float, rng: np.random.RandomState
) -> np.ndarray:
    """Draw rows to validate on while a model is fitted on the others.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Classes.
    groups : ndarray of shape (n,) or None
        Groups are held out whole. None means that each row is a group.
    fraction : float in (0, 1)
        The share of each class's groups to hold out, but at least one group and never all of a class.
    rng : RandomState
        Shuffles the groups.

    Returns
    -------
    ndarray of bool and shape (n,)
        True for a row that is held out; nowhere if no class has two groups.

    Raises
    ------
    ValueError
        If y and groups differ in length.
    """
    check_consistent_length(y, groups)
    codes = np.unique(y, return_inverse=True)[1]
    units = np.arange(len(codes)) if groups is None else np.unique(groups, return_inverse=True)[1]
    n_rows = np.bincount(codes)
    held_out = np.zeros(len(codes), dtype=bool)
    for code in range(len(n_rows)):
        members = rng.permutation(np.unique(units[codes == code]))
        count = min(max(1, round(fraction * len(members))), len(members) - 1)
        for unit in members[:count]:
            more = held_out | (units == unit)
            # A group with several classes may hold the last rows of one of them.
            if (np.bincount(codes[more], minlength=len(n_rows)) < n_rows).all():
                held_out = more
    return held_out


def _first_rows(y: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Return the first row of each group within each class."""
    if groups is None:
        return np.arange(len(y))
    pairs = np.stack([np.unique(y, return_inverse=True)[1], np.unique(groups, return_inverse=True)[1]])
    return np.unique(pairs, axis=1, return_index=True)[1]
