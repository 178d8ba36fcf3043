"""Make folds that each test one source of images, such as a sender or a shop."""

from __future__ import annotations

import numpy as np

from .._text import counted, printable
from ..errors import InputError
from ..images.targets import split_targets
from ..images.validation import is_missing
from .folds import Fold, Folds

_MOST_SOURCES = 50  # that are left out one after the other
_LENGTH = 40  # of a column in a name of folds


def leave_one_out(
    values: np.ndarray, labels: np.ndarray, groups: np.ndarray | None = None, *, column: str = "source"
) -> Folds:
    """Return a fold for each source, such as a sender or a shop: test its images, and train on all others.

    The scores then say what to expect of images of another source. A fold tests as many images as its source has, so
    folds can be uneven.

    Parameters
    ----------
    values : ndarray of shape (n,)
        The source of each image; from 2 to 50 different ones.
    labels : ndarray of shape (n,) or (n, k)
    groups : ndarray of shape (n,), optional
        If a group has images of several sources, a fold that tests some of them does not train on the others. By
        default there are no groups.
    column : str
        What errors and the report call the source; by default "source".

    Returns
    -------
    Folds
        In the order of the sorted sources.

    Raises
    ------
    ValueError
        If an image has no source, there is one source only, or more than 50, or a fold has fewer than two classes of a
        target to train on.

    Examples
    --------
    >>> folds = leave_one_out(np.array(["ann", "ben", "ann", "ben"]), np.array(["boot", "boot", "clog", "clog"]))
    >>> [(fold.held_out, fold.test.tolist()) for fold in folds]
    [('ann', [0, 2]), ('ben', [1, 3])]
    """
    called = printable(column, _LENGTH)
    missing = [position for position, value in enumerate(values.tolist()) if is_missing(value)]
    if missing:
        raise InputError(
            f"expected a {called} for each image, got none for {counted(len(missing), 'image')}, the first at position "
            f"{missing[0]}; fill the column in, or leave these images out"
        )
    names = np.array([str(value) for value in values.tolist()])
    sources = np.unique(names)
    if len(sources) < 2:
        raise InputError(
            f"expected images of at least 2 different values of {called}, got 1, {sources[0]!s}; draw folds instead"
        )
    if len(sources) > _MOST_SOURCES:
        raise InputError(
            f"expected at most {_MOST_SOURCES} different values of {called}, because each is a fold, got "
            f"{len(sources):,}; draw folds that keep each together instead, with --group-column or groups"
        )
    splits = []
    for fold, source in enumerate(sources.tolist()):
        is_tested = names == source
        is_trained = ~is_tested if groups is None else ~np.isin(groups, groups[is_tested])
        train, test = map(np.flatnonzero, (is_trained, is_tested))
        for target in split_targets(labels[train]):
            if len(np.unique(target)) < 2:
                raise InputError(
                    f"expected at least two classes to train on without {called} {printable(source, _LENGTH)}, got "
                    f"{', '.join(map(str, np.unique(target))) or 'no image'}; add images of other sources, or draw "
                    "folds instead"
                )
        splits.append(Fold(0, fold, train, test, source))
    return Folds(f"leave-one-{called}-out", len(sources), 1, None, tuple(splits), column)
