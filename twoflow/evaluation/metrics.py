"""Metrics of the predictions of a method for one target, by class and by pair of classes.

The predictions of all folds are pooled. With repeats or random splits an image is tested several times, each time by a
classifier that has not seen it, and counts as often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.cluster.hierarchy import average, leaves_list, optimal_leaf_ordering
from scipy.spatial.distance import squareform
from sklearn.metrics import precision_recall_fscore_support

from .statistics.wilson import wilson_interval


@dataclass(frozen=True, eq=False)
class Pooled:
    """The predictions of a method on the test images of all folds, one after the other.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
    images : ndarray of shape (n,) and dtype int
        Positions in the collection.
    true, predicted : ndarray of shape (n,) and dtype int
        Positions in `classes`; -1 for a prediction that is none of the classes.
    probabilities : ndarray of shape (n, n_classes), or None
    """

    classes: np.ndarray
    images: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray | None

    def without(self, label: Any) -> Pooled:
        """Leave out the images of a class; without any other image there are no probabilities either."""
        kept = self.classes[self.true] != label
        shares = None if self.probabilities is None or not kept.any() else self.probabilities[kept]
        return Pooled(self.classes, self.images[kept], self.true[kept], self.predicted[kept], shares)


class ByClass(NamedTuple):
    """Arrays of shape (n_classes,); NaN where there is nothing to divide by.

    `recall_interval` has shape (n_classes, 2). It holds the ends of the 95 % interval of each recall.
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    recall_interval: np.ndarray


class Confusion(NamedTuple):
    """The number `n` of images of class `true` predicted as class `predicted`; positions, -1 for no class."""

    true: int
    predicted: int
    n: int


def pool(
    labels: np.ndarray, classes: np.ndarray, images: np.ndarray, predicted: Sequence[np.ndarray],
    probabilities: Sequence[np.ndarray] | None = None,
) -> Pooled:
    """Pool the predictions of all folds for one target.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Of all images of the collection.
    classes : ndarray of shape (n_classes,)
        The classes of the target, sorted. Images without a label, or whose label is no class, are left out.
    images : ndarray of shape (n_tested,) and dtype int
        Positions of the test images, fold after fold.
    predicted : sequence of ndarray of shape (n_test,)
        The predictions of each fold.
    probabilities : sequence of ndarray of shape (n_test, n_classes), optional
        By default there are none.
    """
    known = {label: i for i, label in enumerate(classes.tolist())}
    true, given = (
        np.array([known.get(label, -1) for label in own.tolist()], dtype=np.intp)
        for own in (labels[images], np.concatenate(predicted))
    )
    is_class = true >= 0  # a prediction that is no class counts too
    shares = None if probabilities is None else np.concatenate(probabilities)[is_class]
    return Pooled(classes, images[is_class], true[is_class], given[is_class], shares)


def score_classes(pooled: Pooled) -> ByClass:
    """Compute precision, recall and F1 of each class, and count its test images.

    Precision is NaN for a class that was never predicted, recall for a class that was never tested.

    The interval of a recall is Wilson's; see `wilson_interval`. An image that is tested several times counts once. The
    interval takes images as independent. With groups it is too narrow, because the photos of a group tend to be right
    or wrong together.
    """
    precision, recall, f1, support = precision_recall_fscore_support(
        pooled.true, pooled.predicted, labels=np.arange(len(pooled.classes)), zero_division=np.nan
    )
    n_images = np.bincount(pooled.true[np.unique(pooled.images, return_index=True)[1]], minlength=len(pooled.classes))
    intervals = [wilson_interval(share, n) if n else (np.nan, np.nan) for share, n in zip(recall.tolist(), n_images)]
    return ByClass(precision, recall, f1, support, np.array(intervals))


def level_accuracy(pooled: Pooled, level: Mapping[Any, Any]) -> float:
    """Return the share of predictions whose class lies in the true class of a broader level.

    Parameters
    ----------
    pooled : Pooled
    level : mapping of class to class of the level
    """
    broader = [level[label] for label in pooled.classes.tolist()]
    is_right = [given >= 0 and broader[true] == broader[given] for true, given in zip(pooled.true, pooled.predicted)]
    return float(np.mean(is_right))


def count_confusions(pooled: Pooled) -> list[Confusion]:
    """Count every pair of classes that occurs, right predictions included, in the order of the classes."""
    pairs, counts = np.unique(np.column_stack([pooled.true, pooled.predicted]), axis=0, return_counts=True)
    return [Confusion(true, predicted, n) for (true, predicted), n in zip(pairs.tolist(), counts.tolist())]


def find_certain(pooled: Pooled) -> list[int | None]:
    """Find, for each class, the rightly predicted image with the highest probability of its class.

    Returns
    -------
    list of n_classes (int or None)
        Positions in the collection; None for a class that was never predicted rightly. For a classifier without
        probabilities: the first image in the order of the folds.
    """
    is_right = np.flatnonzero(pooled.predicted == pooled.true)
    if pooled.probabilities is not None:
        given = pooled.probabilities[is_right, pooled.true[is_right]]
        is_right = is_right[np.argsort(-given, kind="stable")]
    found: list[int | None] = [None] * len(pooled.classes)
    classes, first = np.unique(pooled.true[is_right], return_index=True)
    for k, image in zip(classes.tolist(), pooled.images[is_right[first]].tolist()):
        found[k] = image
    return found


def order_classes(confusions: Sequence[Confusion], n_classes: int) -> list[int]:
    """Order the classes so that classes that are confused with each other are neighbors.

    The similarity of two classes is the mean share of the images of each that are predicted as the other. The classes
    are clustered by it (average linkage), and the leaves of the tree are put in the order that has the most similar
    neighbors (Bar-Joseph, Gifford & Jaakkola, Bioinformatics 17, 2001,
    https://doi.org/10.1093/bioinformatics/17.suppl_1.S22).

    Parameters
    ----------
    confusions : sequence of Confusion
        Every pair of classes that occurs. Predictions of no class are left out.
    n_classes : int

    Returns
    -------
    list of n_classes int
        Positions of classes.

    Examples
    --------
    >>> order_classes([Confusion(0, 0, 9), Confusion(0, 2, 1), Confusion(1, 1, 5), Confusion(2, 2, 5)], 3)
    [0, 2, 1]
    """
    if n_classes < 3:
        return list(range(n_classes))
    shares = np.zeros((n_classes, n_classes))
    for true, predicted, n in confusions:
        if predicted >= 0:
            shares[true, predicted] = n
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1)
    distances = 1 - (shares + shares.T) / 2
    np.fill_diagonal(distances, 0)
    condensed = squareform(distances, checks=False)
    order = leaves_list(optimal_leaf_ordering(average(condensed), condensed)).tolist()
    return order[::-1] if order[0] > order[-1] else order


def find_confused(pooled: Pooled, confusion: Confusion, n: int) -> list[tuple[int, float | None]]:
    """Find the images of a confusion with the highest probability of the wrong class, each once.

    Returns
    -------
    list of (int, float or None)
        At most `n` positions in the collection with the probability of the wrong class, descending. For a classifier
        without probabilities: in the order of the folds, with None.
    """
    members = np.flatnonzero((pooled.true == confusion.true) & (pooled.predicted == confusion.predicted))
    given: np.ndarray | None = None
    if pooled.probabilities is not None and confusion.predicted >= 0:
        given = pooled.probabilities[members, confusion.predicted]
        order = np.argsort(-given, kind="stable")
        members, given = members[order], given[order]
    found: dict[int, float | None] = {}
    for i, image in enumerate(pooled.images[members].tolist()):
        found.setdefault(image, None if given is None else float(given[i]))
        if len(found) == n:
            break
    return list(found.items())
