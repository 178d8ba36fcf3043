"""Compare the answered path of each image with its true path."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...heads.hierarchy import UNKNOWN, ClassTree


@dataclass(frozen=True, eq=False)
class LevelAnswers:
    """The answers of a method for n images, in a hierarchy of k levels.

    A path is what an image's labels, or answers, say from the broadest level down to where they end: at "" or
    `UNKNOWN`. The path of an image that is out of scope, and of an answer that is unknown, is empty.

    Attributes
    ----------
    n_levels : int
    n_true : ndarray of int and shape (n,)
        The length of the true path.
    n_given : ndarray of int and shape (n,)
        The length of the answered path. For a partly labeled image only levels that have a true label count.
    n_right : ndarray of int and shape (n,)
        How many labels at the beginning of the two paths are equal.
    is_stopped : ndarray of bool and shape (n,)
        Whether an answer is less than a complete path.
    is_full_right : ndarray of bool and shape (n,)
        `is_right` of the answers before fallback.
    certainty : ndarray of shape (n,) or None
        The probability of the finest label of the answer before fallback; None without probabilities.
    scope : ndarray of shape (n,) or None
        How much the image is like the training images, higher is more; None for a method that has no such score.
    """

    n_levels: int
    n_true: np.ndarray
    n_given: np.ndarray
    n_right: np.ndarray
    is_stopped: np.ndarray
    is_full_right: np.ndarray
    certainty: np.ndarray | None = None
    scope: np.ndarray | None = None

    @property
    def is_outside(self) -> np.ndarray:
        """Which images are out of scope."""
        return self.n_true == 0

    @property
    def is_right(self) -> np.ndarray:
        """Which answers are the true path, or unknown for an image that is out of scope."""
        return (self.n_right == self.n_true) & (self.n_given == self.n_true)

    @property
    def is_error(self) -> np.ndarray:
        """Which answers have a wrong label. An answer that only stops early has none."""
        return self.n_right < self.n_given


def compare_paths(
    tree: ClassTree, y: np.ndarray, predicted: np.ndarray, full: np.ndarray | None = None,
    certainty: np.ndarray | None = None, scope: np.ndarray | None = None,
) -> LevelAnswers:
    """Compare answers with true labels.

    Parameters
    ----------
    tree : ClassTree
        Of all labels of the collection. It says which images are partly labeled: their path goes on for others.
    y, predicted : ndarray of shape (n, k)
    full : ndarray of shape (n, k), optional
        The answers before fallback. By default they are the same.
    certainty, scope : ndarray of shape (n,), optional
        See `LevelAnswers`. By default there are none.
    """
    node = tree.encode(y)
    n_true = np.where(node >= 0, tree.depths[node] + 1, 0)
    # Only for a partly labeled image the answer may go on below the true path.
    n_most = np.where((node >= 0) & ~tree.is_leaf[node], n_true, len(tree.levels))
    n_given, n_right = _measure(y, predicted, n_true, n_most)
    found = LevelAnswers(
        n_levels=len(tree.levels),
        n_true=n_true,
        n_given=n_given,
        n_right=n_right,
        is_stopped=(predicted == UNKNOWN).any(axis=1),
        is_full_right=(n_true == n_given) & (n_true == n_right),
        certainty=certainty,
        scope=scope,
    )
    if full is None or full is predicted:
        return found
    n_given, n_right = _measure(y, full, n_true, n_most)
    return replace(found, is_full_right=(n_true == n_given) & (n_true == n_right))


def _measure(
    y: np.ndarray, predicted: np.ndarray, n_true: np.ndarray, n_most: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lengths of the answered paths, at most `n_most`, and how many labels of each are right."""
    # As objects, because numbers beside `UNKNOWN` would become text.
    true, given = y.astype(object).T, predicted.astype(object).T
    is_answered = np.logical_and.accumulate([is_answer(column) for column in given])
    is_equal = np.logical_and.accumulate([a == b for a, b in zip(true, given)] & is_answered)
    return np.minimum(is_answered.sum(axis=0), n_most), np.minimum(is_equal.sum(axis=0), n_true)


def is_answer(labels: np.ndarray) -> np.ndarray:
    """Return which answers at one level, of shape (n,), name a class."""
    return (labels != "") & (labels != UNKNOWN)


def certainty_of(
    full: np.ndarray, probabilities: list[np.ndarray] | None, classes: list[np.ndarray]
) -> np.ndarray | None:
    """Return the probability of the finest label of each answer, of shape (n,).

    Parameters
    ----------
    full : ndarray of shape (n, k)
        The answers before fallback.
    probabilities : list of k ndarray of shape (n, n_classes), or None
    classes : list of k ndarray of shape (n_classes,)
        The columns of these arrays.

    Returns
    -------
    ndarray of shape (n,) or None
        None without probabilities. An answer without a label has 0.
    """
    if probabilities is None:
        return None
    found = np.zeros(len(full))
    for labels, shares, known in zip(full.astype(object).T, probabilities, classes):
        own = probability_of(np.where(is_answer(labels), labels, ""), shares, known)
        found = np.where(np.isnan(own), found, own)
    return found


def probability_of(labels: np.ndarray, shares: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the probability of the label of each image at one level, of shape (n,); NaN for one that is no class.

    Parameters
    ----------
    labels : ndarray of object and shape (n,)
    shares : ndarray of shape (n, n_classes)
    known : ndarray of shape (n_classes,)
        The classes: the columns of `shares`.
    """
    place = {label: column for column, label in enumerate(known.tolist())}
    columns = np.array([place.get(label, -1) for label in labels.tolist()], dtype=int)
    return np.where(columns >= 0, shares[np.arange(len(labels)), columns], np.nan)
