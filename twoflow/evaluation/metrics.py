"""Metrics of the predictions of a method for one target: by class, by pair of classes, and by probability.

The predictions of all folds are pooled. With repeats or random splits an image is tested several times, each time by a
classifier that has not seen it, and counts as often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.metrics import auc, precision_recall_fscore_support, roc_curve

#: The false positive rates of the averaged ROC curves: denser where they are low, which is the part that matters.
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
        Positions in `classes`; -1 for a prediction that is none of the classes.
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
        The classes averaged: those with test images, if other classes have test images too.
    macro, micro : ndarray of shape (51,)
        True positive rates at `FALSE_POSITIVE_RATES`: the mean of the curves of all classes, and the curve of all
        decisions "this class or not" together.
    macro_auc, micro_auc : float
        Areas under the complete curves.
    """

    n_classes: int
    macro: np.ndarray
    micro: np.ndarray
    macro_auc: float
    micro_auc: float


class Calibration(NamedTuple):
    """How often the predicted class was right, by its probability.

    Attributes
    ----------
    edges : ndarray of shape (n_bins + 1,)
    n : ndarray of shape (n_bins,) and dtype int
        Predictions with a probability above the lower edge and up to the upper edge.
    confidence, accuracy : ndarray of shape (n_bins,)
        The mean probability and the share of right predictions of each bin; NaN for an empty bin.
    expected_error : float
        The mean absolute difference of the two, weighted by `n`.
    """

    edges: np.ndarray
    n: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    expected_error: float


class Confusion(NamedTuple):
    """The number `n` of images of class `true` predicted as class `predicted`; positions, -1 for no class."""

    true: int
    predicted: int
    n: int


def pool(
    labels: np.ndarray, images: np.ndarray, predicted: Sequence[np.ndarray],
    probabilities: Sequence[np.ndarray] | None = None,
) -> Pooled:
    """Pool the predictions of all folds for one target.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Of all images of the collection.
    images : ndarray of shape (n_tested,) and dtype int
        Positions of the test images, fold after fold.
    predicted : sequence of ndarray of shape (n_test,)
        The predictions of each fold.
    probabilities : sequence of ndarray of shape (n_test, n_classes), optional
        By default there are none.
    """
    classes = np.unique(labels)
    true = np.searchsorted(classes, labels[images])
    # A prediction that is no class counts too.
    known = {label: i for i, label in enumerate(classes.tolist())}
    given = np.array([known.get(label, -1) for label in np.concatenate(predicted).tolist()], dtype=np.intp)
    return Pooled(classes, images, true, given, None if probabilities is None else np.concatenate(probabilities))


def score_classes(pooled: Pooled) -> ByClass:
    """Compute precision, recall and F1 of each class, and count its test images.

    Precision is NaN for a class that was never predicted, recall for a class that was never tested.
    """
    precision, recall, f1, support = precision_recall_fscore_support(
        pooled.true, pooled.predicted, labels=np.arange(len(pooled.classes)), zero_division=np.nan
    )
    return ByClass(precision, recall, f1, support)


def count_confusions(pooled: Pooled) -> list[Confusion]:
    """Count every pair of classes that occurs, right predictions included, in the order of the classes."""
    pairs, counts = np.unique(np.column_stack([pooled.true, pooled.predicted]), axis=0, return_counts=True)
    return [Confusion(true, predicted, n) for (true, predicted), n in zip(pairs.tolist(), counts.tolist())]


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


def average_roc(pooled: Pooled) -> Roc | None:
    """Average the ROC curves of the classes; None without probabilities.

    The macro average is vertical (Fawcett, Pattern Recognition Letters 27, 2006,
    https://doi.org/10.1016/j.patrec.2005.10.010): the mean of the true positive rates at one false positive rate, whose
    area is the mean of the classes' areas.
    """
    if pooled.probabilities is None:
        return None
    counts = np.bincount(pooled.true, minlength=len(pooled.classes))
    # A class that was never tested has no true positives; a class that alone was tested has no false positives.
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
    """Compute how reliable the probability of the predicted class is, in bins of equal width; None without any.

    The expected calibration error is defined by Guo, Pleiss, Sun & Weinberger (ICML 2017,
    https://proceedings.mlr.press/v70/guo17a.html), equation 3. `sklearn.calibration.calibration_curve` returns neither
    the number of predictions in a bin, which are the weights of the error, nor the empty bins.
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
    """Interpolate a curve at `FALSE_POSITIVE_RATES`: the top of a vertical part, but 0 at 0."""
    rates = np.interp(FALSE_POSITIVE_RATES, false_positive, true_positive)
    rates[0] = 0.0
    return rates
