"""What the predictions of a method say beyond its scores: by class, by pair of classes, and by probability.

The predictions of all folds are pooled. With repeats or random splits an image was tested more than once, each time by
a classifier that had not seen it, and counts as often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.metrics import auc, precision_recall_fscore_support, roc_curve

from .results import Comparison, MethodScores

#: Where the averaged ROC curves are read off: denser where false alarms are few, which is where one looks.
FALSE_POSITIVE_RATES = np.linspace(0, 1, 51) ** 2


@dataclass(frozen=True, eq=False)
class Pooled:
    """The predictions of a method on the test images of all folds, one after the other.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
    images : ndarray of shape (n,) and dtype int
        Positions in the collection.
    true, predicted : ndarray of shape (n,) and dtype int
        Positions in `classes`; what was predicted is -1 where it is none of the classes.
    probabilities : ndarray of shape (n, n_classes), or None
    """

    classes: np.ndarray
    images: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray | None


class ByClass(NamedTuple):
    """Arrays of shape (n_classes,); NaN where there is nothing to divide by."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray


class Roc(NamedTuple):
    """One-vs-rest ROC curves, averaged.

    Attributes
    ----------
    n_classes : int
        Those averaged: with images tested both of them and of others.
    macro, micro : ndarray of shape (51,)
        True positive rates at `FALSE_POSITIVE_RATES`: the mean of the classes' curves, and that of all decisions
        "this class or not" in one pot.
    macro_auc, micro_auc : float
        Areas under the whole curves.
    """

    n_classes: int
    macro: np.ndarray
    micro: np.ndarray
    macro_auc: float
    micro_auc: float


class Calibration(NamedTuple):
    """How often the class given was right, by the probability given to it.

    Attributes
    ----------
    edges : ndarray of shape (n_bins + 1,)
    n : ndarray of shape (n_bins,) and dtype int
        Predictions with a probability above the lower edge and up to the upper.
    confidence, accuracy : ndarray of shape (n_bins,)
        Means of a bin; NaN where it is empty.
    expected_error : float
        The mean of their absolute difference, weighted by `n`.
    """

    edges: np.ndarray
    n: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    expected_error: float


class Confusion(NamedTuple):
    """How many images, `n`, of class `true` were given to class `predicted`; positions, -1 for no class."""

    true: int
    predicted: int
    n: int


def pool(comparison: Comparison, method: MethodScores) -> Pooled:
    """The predictions of all folds."""
    classes = comparison.collection.classes
    images = comparison.tested
    true = np.searchsorted(classes, comparison.collection.labels[images])
    given = np.concatenate(method.predicted)
    # Whatever a classifier answers, it is counted.
    known = {label: i for i, label in enumerate(classes.tolist())}
    predicted = np.array([known.get(label, -1) for label in given.tolist()], dtype=np.intp)
    probabilities = None if method.probabilities is None else np.concatenate(method.probabilities)
    return Pooled(classes, images, true, predicted, probabilities)


def score_classes(pooled: Pooled) -> ByClass:
    """Precision, recall and F1 of each class, and how many of its images were tested.

    Precision is NaN for a class that was never given, recall for one that was never tested.
    """
    precision, recall, f1, support = precision_recall_fscore_support(
        pooled.true, pooled.predicted, labels=np.arange(len(pooled.classes)), zero_division=np.nan
    )
    return ByClass(precision, recall, f1, support)


def count_confusions(pooled: Pooled) -> list[Confusion]:
    """Every pair of classes that occurs, right answers included, in order of the classes."""
    pairs, counts = np.unique(np.column_stack([pooled.true, pooled.predicted]), axis=0, return_counts=True)
    return [Confusion(true, predicted, n) for (true, predicted), n in zip(pairs.tolist(), counts.tolist())]


def find_confused(pooled: Pooled, confusion: Confusion, n: int) -> list[tuple[int, float | None]]:
    """The images of a confusion of which the classifier was surest, each once.

    Returns
    -------
    list of (int, float or None)
        At most `n` positions in the collection with the probability of the wrong class, descending; in the order of
        the folds and without it for a classifier that gives none.
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


def average_roc(pooled: Pooled) -> Roc | None:
    """The macro and micro averages of the classes' ROC curves; None without probabilities.

    The macro average is vertical (Fawcett, Pattern Recognition Letters 27, 2006,
    https://doi.org/10.1016/j.patrec.2005.10.010): the mean of the true positive rates at one false positive rate, whose
    area is the mean of the classes' areas.
    """
    if pooled.probabilities is None:
        return None
    counts = np.bincount(pooled.true, minlength=len(pooled.classes))
    # One that was never tested has no true positives, and one that alone was tested no false ones.
    drawn = np.flatnonzero((counts > 0) & (counts < len(pooled.true)))
    if not len(drawn):
        return None
    rates, areas = [], []
    for k in drawn:
        false_positive, true_positive, _ = roc_curve(pooled.true == k, pooled.probabilities[:, k])
        rates.append(_read_off(false_positive, true_positive))
        areas.append(auc(false_positive, true_positive))
    is_true = pooled.true[:, None] == drawn
    false_positive, true_positive, _ = roc_curve(is_true.ravel(), pooled.probabilities[:, drawn].ravel())
    return Roc(
        len(drawn), np.mean(rates, axis=0), _read_off(false_positive, true_positive), float(np.mean(areas)),
        float(auc(false_positive, true_positive)),
    )


def calibrate(pooled: Pooled, n_bins: int = 10) -> Calibration | None:
    """The reliability of the probability given to the class given, in bins of equal width; None without any.

    The expected calibration error is that of Guo, Pleiss, Sun & Weinberger (ICML 2017,
    https://proceedings.mlr.press/v70/guo17a.html), equation 3. `sklearn.calibration.calibration_curve` says neither how
    many predictions are in a bin, which the error weighs by, nor which bins are empty.
    """
    if pooled.probabilities is None:
        return None
    is_class = pooled.predicted >= 0
    if not is_class.any():
        return None
    given = pooled.probabilities[is_class, pooled.predicted[is_class]].astype(float)
    is_right = pooled.predicted[is_class] == pooled.true[is_class]
    edges = np.arange(n_bins + 1) / n_bins
    bins = np.clip(np.searchsorted(edges, given) - 1, 0, n_bins - 1)
    n = np.bincount(bins, minlength=n_bins)
    with np.errstate(invalid="ignore"):  # empty bins
        confidence, accuracy = (np.bincount(bins, each, n_bins) / n for each in (given, is_right))
    expected_error = float(np.nansum(n * np.abs(confidence - accuracy)) / n.sum())
    return Calibration(edges, n, confidence, accuracy, expected_error)


def _read_off(false_positive: np.ndarray, true_positive: np.ndarray) -> np.ndarray:
    """True positive rates of a curve at `FALSE_POSITIVE_RATES`; where it rises straight up, the top, but for (0, 0)."""
    rates = np.interp(FALSE_POSITIVE_RATES, false_positive, true_positive)
    rates[0] = 0.0
    return rates
