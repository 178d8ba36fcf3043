"""Metrics of the probabilities of a method for one target.

The predictions of all folds are pooled; see `Pooled`. Each function returns None without probabilities.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.metrics import auc, roc_curve

from .metrics import Pooled

#: The false positive rates of the averaged ROC curve: denser where they are low, which is the part that matters.
FALSE_POSITIVE_RATES = np.linspace(0, 1, 51) ** 2
#: The shares of the images for which the curve of accuracy against coverage is given.
COVERAGES = np.arange(1, 21) / 20
#: A probability below this counts as this much: the precision of float32, in which probabilities are kept. scikit-learn
#: takes the same limit for them.
LEAST_PROBABILITY = float(np.finfo(np.float32).eps)


class Roc(NamedTuple):
    """One-vs-rest ROC curves, averaged.

    Attributes
    ----------
    n_classes : int
        The classes averaged: those with test images, if other classes have test images too.
    macro : ndarray of shape (51,)
        True positive rates at `FALSE_POSITIVE_RATES`: the mean of the curves of all classes.
    macro_auc : float
        The mean of the areas under the complete curves.
    """

    n_classes: int
    macro: np.ndarray
    macro_auc: float


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
    floor : float
        The expected error that a perfectly calibrated method with the same probabilities would show by chance.
    """

    edges: np.ndarray
    n: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    expected_error: float
    floor: float


class Coverage(NamedTuple):
    """The accuracy if only the most certain predictions are answered.

    Attributes
    ----------
    coverage, accuracy : ndarray of shape (20,)
        The shares of the predictions that are answered, `COVERAGES`, and the accuracy of these.
    area : float
        The mean accuracy over all coverages, from one prediction to all.
    """

    coverage: np.ndarray
    accuracy: np.ndarray
    area: float


def average_roc(pooled: Pooled) -> Roc | None:
    """Average the ROC curves of the classes.

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
    return Roc(len(drawn), np.mean(rates, axis=0), float(np.mean(areas)))


def calibrate(pooled: Pooled, n_bins: int = 10, n_draws: int = 100) -> Calibration | None:
    """Compute how reliable the probability of the predicted class is, in bins of equal width.

    The expected calibration error is defined by Guo, Pleiss, Sun & Weinberger (ICML 2017,
    https://proceedings.mlr.press/v70/guo17a.html), equation 3. It is above 0 by chance even for a perfectly calibrated
    method, the more so the fewer predictions there are. The floor says how much: it is the mean error of `n_draws`
    draws in which each prediction is right with its own probability. This is the consistency resampling of
    Vaicenavicius et al. (AISTATS 2019, https://proceedings.mlr.press/v89/vaicenavicius19a.html). An image that is
    tested several times is drawn once, because its predictions tend to be right or wrong together. The seed is fixed.

    `sklearn.calibration.calibration_curve` returns neither the number of predictions in a bin, which are the weights
    of the error, nor the empty bins.

    Parameters
    ----------
    pooled : Pooled
        Predictions that are no class have no probability, and are left out.
    n_bins : int
        The number of bins, by default 10.
    n_draws : int
        The number of draws, by default 100. More of them make the floor more precise.
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

    def expected_error(right: np.ndarray) -> float:
        return float(np.abs(np.bincount(bins, right - given, n_bins)).sum() / len(given))

    images, image = np.unique(pooled.images[is_class], return_inverse=True)
    random = np.random.RandomState(0)
    floor = np.mean([expected_error(random.random_sample(len(images))[image] < given) for _ in range(n_draws)])
    return Calibration(edges, n, confidence, accuracy, expected_error(is_right), float(floor))


def log_loss(pooled: Pooled) -> float | None:
    """Compute the mean of minus the logarithm of the probability of the true class; lower is better.

    A probability below `LEAST_PROBABILITY`, about 1.2e-7, counts as that much. So an image whose true class has the
    probability 0, as a forest often says, adds 15.9, and not infinity.
    """
    if pooled.probabilities is None:
        return None
    given = pooled.probabilities[np.arange(len(pooled.true)), pooled.true].astype(float)
    return float(-np.log(np.clip(given, LEAST_PROBABILITY, 1)).mean())


def brier_score(pooled: Pooled) -> float | None:
    """Compute the mean squared distance of the probabilities from 1 for the true class and 0 for the others.

    It is between 0 and 2, and lower is better (Brier, Monthly Weather Review 78, 1950, equation 2,
    https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2).
    """
    if pooled.probabilities is None:
        return None
    squares = np.einsum("ij,ij->i", pooled.probabilities, pooled.probabilities, dtype=float)
    given = pooled.probabilities[np.arange(len(pooled.true)), pooled.true].astype(float)
    return float((squares - 2 * given + 1).mean())


def cover(pooled: Pooled) -> Coverage | None:
    """Compute the accuracy of the most certain predictions, by the share of the predictions that are answered.

    The certainty of a prediction is the probability of its class. A prediction that is no class comes last. Equally
    certain predictions have no order, so their mean accuracy is used. One minus the area is the area under the
    risk-coverage curve (Geifman, Uziel & El-Yaniv, ICLR 2019, https://arxiv.org/abs/1805.08206).
    """
    if pooled.probabilities is None:
        return None
    is_class = pooled.predicted >= 0
    certainty = np.where(is_class, pooled.probabilities[np.arange(len(is_class)), pooled.predicted], -1)
    values, group, sizes = np.unique(-certainty, return_inverse=True, return_counts=True)
    n_right = np.bincount(group, pooled.predicted == pooled.true, len(values))
    n_answered = np.arange(1, len(group) + 1)
    right = np.interp(n_answered, [0, *sizes.cumsum()], [0, *n_right.cumsum()])
    accuracy = right / n_answered
    wanted = np.ceil(COVERAGES * len(group) - 1e-9).astype(int)
    return Coverage(COVERAGES, accuracy[wanted - 1], float(accuracy.mean()))


def _read_off(false_positive: np.ndarray, true_positive: np.ndarray) -> np.ndarray:
    """Interpolate a curve at `FALSE_POSITIVE_RATES`: the top of a vertical part, but 0 at 0."""
    rates = np.interp(FALSE_POSITIVE_RATES, false_positive, true_positive)
    rates[0] = 0.0
    return rates
