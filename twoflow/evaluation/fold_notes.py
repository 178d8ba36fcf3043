"""Say what to doubt about some folds: groups on both sides, classes that are not learned, too few groups to tell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._text import counted, listed, printable
from ..images import ImageCollection
from ..images.targets import finest
from .folds import Folds

_LISTED = 10  # sources that a note names, if there are no more
_NAMED = 3  # groups or classes that a note names
_LENGTH = 60  # of the name of one
_FEWEST_GROUPS = 6  # with which a sign-flip test can find a difference at 5 %; see `sign_flip_test`


def note_on_folds(folds: Folds, collection: ImageCollection) -> Iterator[str]:
    """Yield a note for each doubt about the folds; none if there is nothing to doubt.

    Folds that are drawn keep groups together, and train on every class. An official split is used as it is. Folds that
    leave out a whole source can lack a class, and are as uneven as the sources.

    Parameters
    ----------
    folds : Folds
    collection : ImageCollection
        The images that the folds are positions in.
    """
    if folds.column is not None:
        yield from _note_on_sources(folds, folds.column, len(collection))
    if collection.groups is not None:
        yield from _note(
            folds, collection.groups, True, "group", "{} on both sides of a fold ({}, such as {}): the scores may be "
            "too high; draw folds instead to keep groups together",
        )
        yield from _note_on_few_groups(folds, collection.groups)
    yield from _note(
        folds, finest(collection.to_stratify), False, "class", "{} tested without a training image ({}, such as "
        "{}): every answer for them is wrong; train on these classes, or leave them out", "classes",
    )


def _note_on_few_groups(folds: Folds, groups: np.ndarray) -> Iterator[str]:
    """Say that no difference can be shown on the groups of a single test side, if there are too few."""
    first, *others = folds
    n_groups = len(np.unique(groups[first.test]))
    if not others and n_groups < _FEWEST_GROUPS:
        yield (
            f"{counted(n_groups, 'group is', 'groups are')} tested: with fewer than {_FEWEST_GROUPS} no difference "
            "between methods is significant, and its interval may reach from -1 to 1; test more groups"
        )


def _note_on_sources(folds: Folds, column: str, n_images: int) -> Iterator[str]:
    """Say how many images each source has, and how many others are not trained on because of their groups."""
    column = printable(column, _LENGTH)
    sizes = sorted(((len(fold.test), printable(fold.held_out, _LENGTH)) for fold in folds), reverse=True)
    named = [f"{name} ({size:,})" for size, name in (sizes if len(sizes) <= _LISTED else [*sizes[:2], sizes[-1]])]
    which = listed(named) if len(sizes) <= _LISTED else f"from {named[0]} and {named[1]} to {named[2]}"
    yield (
        f"each fold tests the images of another {column}: {which}; the mean over folds counts each {column} the same, "
        "however many images it has"
    )
    unused = [n_images - len(fold.train) - len(fold.test) for fold in folds]
    if any(unused):
        yield (
            f"up to {counted(max(unused), 'image is', 'images are')} not trained on in a fold, because their group is "
            f"tested in it: some groups have images of more than one {column}"
        )


def _note(
    folds: Folds, values: np.ndarray, is_trained: bool, noun: str, sentence: str, plural: str | None = None
) -> Iterator[str]:
    """Yield the sentence if there are test images whose value is, or is not, in training too."""
    found = [fold.test[np.isin(values[fold.test], values[fold.train]) == is_trained] for fold in folds]
    images = np.unique(np.concatenate(found))
    if not len(images):
        return
    names = np.unique(values[images])
    verb = "is" if len(names) == 1 else "are"
    named = ", ".join(printable(name, _LENGTH) for name in names[:_NAMED])
    yield sentence.format(
        f"{counted(len(names), noun, plural)} {verb}", counted(len(images), "test image"), named
    )
