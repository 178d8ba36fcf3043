"""Folds: which images to train on and which to test, drawn once for every method."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.random import RandomState
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, StratifiedShuffleSplit

from ..errors import InputError
from ..images.targets import finest, split_targets

_NAMED = 5  # how many classes an error names


@dataclass(frozen=True, eq=False)
class Fold:
    """One split.

    Attributes
    ----------
    repeat, fold : int
    train, test : ndarray of int
        Positions in the collection.
    held_out : str, optional
        The value of the column that all test images have, for folds of `leave_one_out`. Default: None.
    """

    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray
    held_out: str | None = None


class Sizes(NamedTuple):
    """How many images each fold trains on and tests."""

    n_train: list[int]
    n_test: list[int]


@dataclass(frozen=True, eq=False)
class Folds:
    """The splits of a comparison and how they were drawn.

    Attributes
    ----------
    kind : str
    n_splits, repeats : int
        The number of folds in a repeat, and of repeats.
    seed : int or None
        None if nothing was drawn.
    splits : tuple of Fold
    column : str, optional
        For folds of `leave_one_out`, the name of the column; each fold tests one value of it. Default: None.
    """

    kind: str
    n_splits: int
    repeats: int
    seed: int | None
    splits: tuple[Fold, ...]
    column: str | None = None

    def __len__(self) -> int:
        return len(self.splits)

    def __iter__(self) -> Iterator[Fold]:
        return iter(self.splits)

    @property
    def sizes(self) -> Sizes:
        """How many images each fold trains on and tests."""
        return Sizes([len(fold.train) for fold in self], [len(fold.test) for fold in self])


def draw_folds(
    labels: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    n_splits: int = 10,
    repeats: int = 1,
    test_size: float | None = None,
    random_state: int = 0,
) -> Folds:
    """Draw stratified folds, or random splits, that keep groups together.

    Parameters
    ----------
    labels : ndarray of shape (n,) or (n, k)
        The folds are stratified by the finest target; see `finest`.
    groups : ndarray of shape (n,), optional
        No group is on both sides of a fold. By default there are no groups.
    n_splits : int
        The number of folds in a repeat, by default 10.
    repeats : int
        How often to draw all folds, by default once.
    test_size : float in (0, 0.5], optional
        Draw random splits that test this share of the images, one in each repeat, instead of folds. With 0.1 and ten
        repeats this is the protocol of Iliukovich-Strakovskaia, Dral & Dral (2016). With groups the share is
        approximate: a split tests one of ``round(1 / test_size)`` folds of groups. By default folds are drawn.
    random_state : int
        Repeat r is drawn with the seed ``random_state + r``. By default 0.

    Returns
    -------
    Folds

    Raises
    ------
    ValueError
        If a target has only one class, a class has fewer images (or groups) than there are folds, or a random split has
        room for fewer test images than there are classes.
    """
    if test_size is not None:
        if not 0 < test_size <= 0.5:
            raise InputError(f"the share to test must be above 0 and at most 0.5, got {test_size!r}")
        n_splits = round(1 / test_size)
    for name, value, least in (("folds", n_splits, 2), ("repeats", repeats, 1)):
        if not isinstance(value, Integral) or value < least:
            raise InputError(f"the number of {name} must be an integer of at least {least}, got {value!r}")
    _check_number_of_classes(labels)
    labels = finest(labels)
    _check_classes(labels, groups, n_splits if test_size is None else 2)
    if test_size is not None and groups is None:
        _check_room(test_size, labels)
    n_groups = n_splits if groups is None else len(np.unique(groups))
    if n_groups < n_splits:
        raise InputError(
            f"a test set of {test_size:g} of the images needs at least {n_splits} groups, got {n_groups}; test a "
            "larger share, or draw folds"
        )
    splits = []
    for repeat in range(repeats):
        random = RandomState(random_state + repeat)
        splitter: Any
        if test_size is not None and groups is None:
            splitter = StratifiedShuffleSplit(1, test_size=test_size, random_state=random)
        elif groups is None:
            splitter = StratifiedKFold(n_splits, shuffle=True, random_state=random)
        else:
            splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=random)
        drawn = list(splitter.split(labels, labels, groups))
        if test_size is not None:
            # With groups: one fold of about the wanted size. It is drawn, because the first one always has the groups
            # with the most uneven classes, which are the largest.
            drawn = [drawn[random.randint(len(drawn))]]
        splits += [Fold(repeat, fold, train, test) for fold, (train, test) in enumerate(drawn)]
    kind = " ".join(
        ["stratified", *(["group"] if groups is not None else []), "k-fold" if test_size is None else "random split"]
    )
    return Folds(kind, n_splits if test_size is None else 1, repeats, random_state, tuple(splits))


def official_split(values: np.ndarray, labels: np.ndarray) -> Folds:
    """Return the one split that a data set comes with.

    Parameters
    ----------
    values : ndarray of shape (n,)
        "train" or "test" for each image; images with any other value, such as "validation", are left out.
    labels : ndarray of shape (n,) or (n, k)

    Returns
    -------
    Folds

    Raises
    ------
    ValueError
        If no image is marked "train", or none "test", or a target has only one class to train on.
    """
    marks = np.char.lower(np.asarray(values, dtype=str))
    train, test = (np.flatnonzero(marks == mark) for mark in ("train", "test"))
    if not len(train) or not len(test):
        found = ", ".join(map(repr, np.unique(marks)[:_NAMED].tolist()))
        raise InputError(
            f"a split column must have 'train' and 'test' for some images; it has {found}: rename its values, or "
            "draw folds"
        )
    _check_number_of_classes(labels[train])
    return Folds("official split", 1, 1, None, (Fold(0, 0, train, test),))


def shrink(
    folds: Folds, share: float, labels: np.ndarray, groups: np.ndarray | None = None, *, random_state: int = 0
) -> Folds:
    """Return the same folds with fewer images to train on, for a learning curve.

    The same share of each class of the finest target is kept, and at least one image. A larger share keeps all images
    of a smaller one. With groups, whole groups are taken one after the other, so that a smaller share has fewer items
    rather than fewer photos of each; only the last group of a class may be cut.

    Parameters
    ----------
    folds : Folds
    share : float in (0, 1]
        The share of the training images to keep.
    labels, groups
        See `draw_folds`.
    random_state : int
        The seed of the order in which images are taken, the same order for all folds. By default 0.

    Returns
    -------
    Folds
    """
    labels = finest(labels)
    units = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
    rank = np.random.RandomState(random_state).permutation(units.max() + 1)[units]

    def kept(train: np.ndarray) -> np.ndarray:
        members = [train[labels[train] == label] for label in np.unique(labels[train])]
        return np.sort(np.concatenate([
            own[np.argsort(rank[own], kind="stable")][:max(1, round(share * len(own)))] for own in members
        ]))

    return replace(folds, splits=tuple(replace(fold, train=kept(fold.train)) for fold in folds))


def _check_classes(labels: np.ndarray, groups: np.ndarray | None, n_splits: int) -> None:
    """Check that each class has an image, or a group, for every fold."""
    classes, counts = np.unique(labels, return_counts=True)
    n_images = counts
    unit = "images"
    if groups is not None:
        counts = np.array([len(np.unique(groups[labels == label])) for label in classes])
        unit = "groups"
    few = np.flatnonzero(counts < n_splits)
    if len(few):
        few = few[np.argsort(counts[few], kind="stable")]
        named = ", ".join(f"{classes[i]!s} ({counts[i]})" for i in few[:_NAMED])
        more = f" and {len(few) - _NAMED} more" if len(few) > _NAMED else ""
        least = counts[few[0]]
        enough = n_splits if groups is None else n_images[few].max() + 1
        remedies = [f"ask for at most {least} folds"] if least >= 2 else []
        if np.count_nonzero(n_images >= enough) >= 2:
            remedies.append(
                f"leave these classes out, with --min-per-class {enough} or without_small_classes({enough})"
            )
        raise InputError(
            f"{n_splits} folds need {n_splits} {unit} of each class; too few have {named}{more}: "
            f"{', or '.join(remedies) or f'add {unit}'}"
        )


def _check_room(test_size: float, labels: np.ndarray) -> None:
    """Check that a random split without groups can test an image of each class."""
    n, n_classes = len(labels), len(np.unique(labels))
    n_test = math.ceil(test_size * n)
    if n_test < n_classes:
        raise InputError(
            f"expected a test set with an image of each of {n_classes} classes, got {n_test} of {n} images; test a "
            f"share of at least {math.ceil(1000 * n_classes / n) / 1000:g}, or draw folds"
        )


def _check_number_of_classes(labels: np.ndarray) -> None:
    """Check that each target has at least two classes."""
    for target in split_targets(labels):
        if len(np.unique(target)) < 2:
            raise InputError(f"there is only one class to train on, {target[0]!s}; a classifier needs at least two")
