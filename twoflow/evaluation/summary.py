"""Summaries of a comparison: means with intervals, every pair of methods, and what predictions say in detail."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from .folds import Folds, Sizes
from .metrics import ByClass, Confusion, Pooled, count_confusions, find_certain, find_confused, score_classes
from .probabilities import Calibration, Coverage, Roc, average_roc, brier_score, calibrate, cover, log_loss
from .significance import compare_pairs_of_methods
from .statistics import (
    AccuracyInterval,
    Difference,
    EquivalenceResult,
    bootstrap_accuracy_interval,
    corrected_resampled_ttest,
    probability_of_equivalence,
)

_PAIRS, _IMAGES = 10, 3  # confused pairs that are listed with images, and how many images of each


class Spread(NamedTuple):
    """The reported number, and the standard deviation (ddof 1; None for a single fold) and the range of `folds`."""

    mean: float
    std: float | None
    min: float
    max: float
    folds: np.ndarray


class Interval(NamedTuple):
    """The ends of a confidence interval, NaN if there is none, its confidence, for example 0.95, and its method."""

    ends: tuple[float, float]
    confidence: float
    kind: str


class Pair(NamedTuple):
    """The test of one method against another, and how probable it is that they are equal."""

    difference: Difference
    equivalence: EquivalenceResult


class Candidate(NamedTuple):
    """A candidate of a method that chooses: its mean accuracy on training images, and how many folds chose it.

    The accuracy of the candidate that is chosen is optimistic, because it was chosen as the highest.
    """

    name: str
    accuracy: float
    n_chosen: int


class ConfusedPair(NamedTuple):
    """Two classes that were confused.

    Attributes
    ----------
    confusion : Confusion
    share : float
        The share of the predictions for the true class.
    images : list of (int, float or None)
        Examples; see `find_confused`.
    right : (int or None, int or None)
        A right example of the true and of the predicted class; see `find_certain`.
    """

    confusion: Confusion
    share: float
    images: list[tuple[int, float | None]]
    right: tuple[int | None, int | None]


@dataclass(frozen=True, eq=False)
class Details:
    """What the predictions of a method for one target say beyond its scores.

    Attributes
    ----------
    accuracy : AccuracyInterval
        Of the predictions of all folds together.
    by_class : ByClass
    confusions : list of Confusion
        Every pair of classes that occurs.
    confused : list of ConfusedPair
        The ten wrong pairs that occur most often.
    roc : Roc or None
    calibration : Calibration or None
    log_loss, brier : float or None
    coverage : Coverage or None
        These five are None for a classifier without probabilities.
    """

    accuracy: AccuracyInterval
    by_class: ByClass
    confusions: list[Confusion]
    confused: list[ConfusedPair]
    roc: Roc | None
    calibration: Calibration | None
    log_loss: float | None
    brier: float | None
    coverage: Coverage | None


def spread(scores: np.ndarray, mean: float) -> Spread:
    """Return the spread of a score over folds, beside the number that is reported.

    Folds that have nothing to score, whose score is NaN, are left out of all but `folds`.
    """
    known = scores[~np.isnan(scores)]
    if not len(known):
        return Spread(mean, None, math.nan, math.nan, scores)
    deviation = float(known.std(ddof=1)) if len(known) > 1 else None
    return Spread(mean, deviation, float(known.min()), float(known.max()), scores)


def mean_interval(scores: np.ndarray, mean: float, sizes: Sizes) -> Interval:
    """Return the confidence interval of the reported number of a score from 0 to 1; NaN if folds show no spread.

    Nadeau and Bengio's variance applies to any mean over folds: the score is tested as a difference to zero. The
    interval is that of the logit of the mean, by the delta method, so that it stays between 0 and 1. It is around the
    reported number, which for macro F1 is not the mean over folds; see `compute_means`. Folds that have nothing to
    score, whose score is NaN, are left out.
    """
    if np.isnan(scores).all():
        scores = np.zeros(len(scores))  # without spread, and so without an interval
    known = np.flatnonzero(~np.isnan(scores))
    n_train, n_test = ([counts[i] for i in known] for counts in sizes)
    result = corrected_resampled_ttest(scores[known], np.zeros(len(known)), n_train, n_test)
    half = result.confidence_interval[1] - result.mean_difference
    ends = (math.nan, math.nan)
    if not math.isnan(half):
        middle, reach = special.logit(mean), half / (mean * (1 - mean))
        ends = (float(special.expit(middle - reach)), float(special.expit(middle + reach)))
    return Interval(ends, result.confidence, f"logit of the {result.interval_kind}")


def share_interval(is_right: np.ndarray, images: np.ndarray, groups: np.ndarray | None) -> Interval:
    """Return the confidence interval of a share of images that are right, if folds do not say how sure it is.

    Parameters
    ----------
    is_right : ndarray of bool and shape (n_tested,)
    images : ndarray of int and shape (n_tested,)
        Positions of the images in the collection. An image that is tested twice counts as one.
    groups : ndarray of shape (n_images,) or None
        The groups of the collection.
    """
    units = images if groups is None else groups[images]
    result = bootstrap_accuracy_interval(np.ones(len(is_right), dtype=bool), is_right, units, random_state=0)
    return Interval(result.confidence_interval, result.confidence, result.interval_kind)


def compare_every_pair(
    scores: Mapping[str, np.ndarray],
    is_right: Mapping[str, Sequence[np.ndarray]],
    folds: Folds,
    groups: np.ndarray | None,
) -> tuple[Pair, ...]:
    """Compare every method with every later one, with corrections for all pairs.

    Parameters
    ----------
    scores, is_right, folds, groups
        See `compare_pairs_of_methods`.
    """
    return tuple(
        Pair(each, probability_of_equivalence(scores[each.first], scores[each.second], *folds.sizes))
        for each in compare_pairs_of_methods(scores, is_right, folds, groups, combinations(scores, 2))
    )


def describe_predictions(pooled: Pooled, groups: np.ndarray | None, outside: Any = None) -> Details:
    """Describe the predictions of all folds for one target.

    Parameters
    ----------
    pooled : Pooled
    groups : ndarray of shape (n_images,) or None
        The groups of the collection, which the interval of the accuracy resamples; None resamples images. An image
        that is tested twice counts as one image.
    outside : label, optional
        The label of images that are out of scope. Their probabilities are not described, because a classifier gives
        none to this label. By default there are no such images.
    """
    inside = pooled if outside is None else pooled.without(outside)
    by_class, confusions = score_classes(pooled), count_confusions(pooled)
    certain = find_certain(pooled)
    wrong = sorted((pair for pair in confusions if pair.true != pair.predicted), key=lambda pair: -pair.n)
    return Details(
        accuracy=bootstrap_accuracy_interval(
            pooled.true, pooled.predicted, pooled.images if groups is None else groups[pooled.images], random_state=0
        ),
        by_class=by_class,
        confusions=confusions,
        confused=[
            ConfusedPair(
                pair, pair.n / int(by_class.support[pair.true]), find_confused(pooled, pair, _IMAGES),
                (certain[pair.true], certain[pair.predicted] if pair.predicted >= 0 else None),
            )
            for pair in wrong[:_PAIRS]
        ],
        roc=average_roc(inside),
        calibration=calibrate(inside),
        log_loss=log_loss(inside),
        brier=brier_score(inside),
        coverage=cover(inside),
    )


def summarize_choices(chosen: Sequence[str], accuracy: Sequence[Mapping[str, float]]) -> list[Candidate]:
    """Summarize what a method chose from, in the order of its candidates.

    Parameters
    ----------
    chosen : sequence of str
        The choice of each fold.
    accuracy : sequence of mapping of str to float
        The accuracy of each candidate, for each fold.
    """
    counts = Counter(chosen)
    return [Candidate(name, float(np.mean([each[name] for each in accuracy])), counts[name]) for name in accuracy[0]]
