"""Turn the predictions of a comparison into the held-out answers that the card of a model file holds."""

from __future__ import annotations

import numpy as np

from .._text import counted
from ..models.model_file.card import HeldOut
from .folds import Folds
from .metrics import Pooled


def describe_source(folds: Folds, groups: np.ndarray | None, n_without: int = 0) -> str:
    """Say in a few words on which images the accuracies were measured.

    Parameters
    ----------
    folds : Folds
    groups : ndarray of shape (n_images,) or None
        The groups of the collection.
    n_without : int, default=0
        How many other images were tested, which have no label of the target.

    Returns
    -------
    str
        Such as "5 folds of 3,068 images, groups kept together".
    """
    tested = np.unique(np.concatenate([fold.test for fold in folds]))
    images = counted(len(tested), "image")
    if folds.column is not None:
        text = f"{folds.n_splits} folds of {images}, each tested on another {folds.column}"
    elif folds.n_splits > 1:
        again = f", drawn {folds.repeats} times" if folds.repeats > 1 else ""
        text = f"{folds.n_splits} folds of {images}{again}"
    elif folds.seed is not None:
        text = f"{counted(folds.repeats, 'random split')} that tested {images}"
    else:
        text = f"an official split that tested {images}"
    if n_without:
        text += f" (without {n_without:,} that lack the label)"
    if groups is None:
        return text
    is_together = all(not np.isin(groups[fold.test], groups[fold.train]).any() for fold in folds)
    return f"{text}, groups {'kept together' if is_together else 'on both sides'}"


def collect_answers(pooled: Pooled, groups: np.ndarray | None) -> HeldOut | None:
    """Return the answers of a method for one target; see `Comparison.held_out`.

    Parameters
    ----------
    pooled : Pooled
    groups : ndarray of shape (n_images,) or None
        The groups of the collection.

    Returns
    -------
    HeldOut or None
        None for a method without probabilities.
    """
    if pooled.probabilities is None:
        return None
    rows = np.arange(len(pooled.true))
    is_class = pooled.predicted >= 0
    confidence = np.where(is_class, pooled.probabilities[rows, pooled.predicted], np.nan)
    return HeldOut(
        pooled.true.astype(np.int32), pooled.predicted.astype(np.int32), confidence.astype(np.float32),
        number_groups(pooled.images, groups),
    )


def number_groups(images: np.ndarray, groups: np.ndarray | None) -> np.ndarray | None:
    """Number the groups of tested images, of dtype int32; None if each image is by itself.

    The answers for an image that is tested several times belong together, as those of a group do.

    Parameters
    ----------
    images : ndarray of int and shape (n_tested,)
        Positions in the collection.
    groups : ndarray of shape (n_images,) or None
        The groups of the collection.
    """
    is_grouped = groups is not None or len(np.unique(images)) < len(images)
    units = images if groups is None else groups[images]
    return np.unique(units, return_inverse=True)[1].astype(np.int32) if is_grouped else None
