"""Check, before long work, that every target can be learned and tested on the folds of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from .._text import printable
from ..errors import InputError
from ..heads.targets import learns_targets_together
from ..images import ImageCollection
from ..images.partial_targets import have_all
from ..images.targets import classes_of, has_label, split_targets
from ..models import Parts
from ..models.importances import steps_to_decision
from .folds import Folds

_LENGTH = 60  # of a name in a message


def check_classes(collection: ImageCollection) -> None:
    """Raise ValueError if one of several targets has no label, or only one class; levels may have one class."""
    if len(collection.target_names) < 2 or collection.are_levels:
        return
    for name, classes in collection.classes_by_target.items():
        if len(classes) < 2:
            got = f"only {printable(classes[0], _LENGTH)}" if len(classes) else "no label"
            raise InputError(f"labels of {name!r}: expected at least two classes, got {got}; leave this column out")


def check_methods(methods: Mapping[str, Parts], collection: ImageCollection) -> None:
    """Raise ValueError if labels are missing and a method cannot learn from them; levels are not looked at."""
    n_partial = int((~have_all(collection.labels)).sum())
    if collection.are_levels or not n_partial:
        return
    for name, parts in methods.items():
        decider = steps_to_decision(parts.head)[-1]
        if not learns_targets_together(decider):
            raise InputError(
                f"{name}: expected a classifier that can learn from missing labels, because {n_partial:,} of "
                f"{len(collection):,} images lack one, got {type(decider).__name__}; put it into a "
                "MultiTargetClassifier, or leave these images out"
            )


def check_folds(series: Iterable[Folds], collection: ImageCollection) -> None:
    """Raise ValueError if a fold has too few labels of one of several targets.

    Parameters
    ----------
    series : iterable of Folds
        The folds of the comparison, and those on fewer training images.
    collection : ImageCollection
        With one target nothing is checked, because folds are stratified by it.
    """
    if collection.are_levels:
        _check_levels(series, collection)
    elif len(collection.target_names) > 1:
        _check_targets(series, collection)


def _check_levels(series: Iterable[Folds], collection: ImageCollection) -> None:
    for folds in series:
        tested = np.concatenate([fold.test for fold in folds])
        for name in collection.target_names:
            if not has_label(collection.target(name)[tested]).any():
                raise InputError(f"expected test images with a label of {name!r}, got none; leave this level out")


def _check_targets(series: Iterable[Folds], collection: ImageCollection) -> None:
    is_whole, targets = have_all(collection.labels), split_targets(collection.labels)
    for fold in (fold for folds in series for fold in folds):
        where = f"in fold {fold.fold} of repeat {fold.repeat}"
        if not is_whole[fold.test].any():
            raise InputError(
                f"expected test images with labels of all targets, got none {where}; draw fewer folds, or label more "
                "images"
            )
        for name, target in zip(collection.target_names, targets):
            classes = classes_of(target[fold.train])
            if len(classes) < 2:
                got = f"only {printable(classes[0], _LENGTH)}" if len(classes) else "no label"
                raise InputError(
                    f"expected at least two classes of {name!r} to train on, got {got} {where}; draw fewer folds, add "
                    "images of other classes, or leave this column out"
                )
