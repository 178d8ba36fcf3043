"""Find leaks: test images that have a duplicate, or an image that looks alike, among the training images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .duplicates import Duplicates
from .folds import Fold


@dataclass(frozen=True, eq=False)
class Leaks:
    """The result of `leaks`. Duplicates of all kinds count, unless the name says "same photo".

    Attributes
    ----------
    n_pairs : int
        The number of pairs of duplicates that at least one fold separates: it trains on one image, and tests the other.
    n_images : int
        The number of images whose duplicate is in training while they are tested, in at least one fold.
    by_fold : ndarray of shape (n_folds,) and dtype int
        The number of such images in each fold.
    n_same_photo : int
        How many of the images have the same photo in training: a duplicate of the kind "exact" or "near". The others
        have only one that looks alike.
    """

    n_pairs: int
    n_images: int
    by_fold: np.ndarray
    n_same_photo: int

    def __bool__(self) -> bool:
        return self.n_images > 0


def leaks(folds: Iterable[Fold], duplicates: Duplicates) -> Leaks:
    """Count the test images that have a duplicate of any kind in training.

    Parameters
    ----------
    folds : Folds or iterable of Fold
        Folds of the images.
    duplicates : Duplicates
        The duplicates among the same images. An image that is alike another is also alike its exact copies.

    Returns
    -------
    Leaks

    Examples
    --------
    >>> import numpy as np
    >>> from twoflow.evaluation import find_duplicates
    >>> images = [np.full((8, 8, 3), value, np.uint8) for value in (0, 90, 0, 255)]
    >>> leaks([Fold(0, 0, np.array([0, 1]), np.array([2, 3]))], find_duplicates(images)).n_images
    1
    """
    n = len(duplicates.contents)
    pairs = duplicates.contents[duplicates.pairs]
    touches, shows = _neighbors(n, pairs), _neighbors(n, pairs[duplicates.is_same_photo])
    is_leaking, is_same_photo = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    is_separated = np.zeros(len(duplicates.pairs), dtype=bool)
    by_fold = []
    for fold in folds:
        is_trained = np.zeros(n)
        is_trained[duplicates.contents[fold.train]] = 1
        tested = duplicates.contents[fold.test]
        found = fold.test[(touches @ is_trained)[tested] > 0]
        is_leaking[found] = True
        is_same_photo[fold.test[(shows @ is_trained)[tested] > 0]] = True
        by_fold.append(len(found))
        side = np.zeros(n, dtype=int)
        side[fold.train], side[fold.test] = 1, 2
        is_separated |= side[duplicates.pairs].sum(axis=1) == 3
    return Leaks(
        int(is_separated.sum()), int(is_leaking.sum()), np.array(by_fold, dtype=int), int(is_same_photo.sum())
    )


def _neighbors(n: int, pairs: np.ndarray) -> sparse.csr_matrix:
    """Return which images form a pair, in both directions; each forms one with itself."""
    ends = np.concatenate([pairs, pairs[:, ::-1], np.stack([np.arange(n)] * 2, axis=1)])
    return sparse.csr_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n))
