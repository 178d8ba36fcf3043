"""Say what makes the scores on some folds too high or too low: groups on both sides, classes that are not learned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._text import counted, printable
from ..images import ImageCollection
from ..images.targets import finest
from .folds import Folds

_NAMED = 3  # groups or classes that a note names
_LENGTH = 60  # of the name of one


def note_on_folds(folds: Folds, collection: ImageCollection) -> Iterator[str]:
    """Yield a note for each doubt about the folds; none if there is nothing to doubt.

    Folds that are drawn keep groups together, and train on every class. An official split is used as it is.

    Parameters
    ----------
    folds : Folds
    collection : ImageCollection
        The images that the folds are positions in.
    """
    if collection.groups is not None:
        yield from _note(
            folds, collection.groups, True, "group", "{} on both sides of a fold ({}, such as {}): the scores may be "
            "too high; draw folds instead to keep groups together",
        )
    yield from _note(
        folds, finest(collection.to_stratify), False, "class", "{} tested without a training image ({}, such as "
        "{}): every answer for them is wrong; train on these classes, or leave them out", "classes",
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
