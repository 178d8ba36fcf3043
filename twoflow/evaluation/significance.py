"""Which test compares two methods: it depends on the number of splits, and on whether images come in groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from .folds import Folds
from .statistics import (
    Difference,
    PowerResult,
    compare_pairs,
    corrected_power,
    corrected_resampled_ttest,
    mcnemar_test,
    sign_flip_test,
    split_power,
)


def compare_pairs_of_methods(
    scores: Mapping[str, np.ndarray],
    is_right: Mapping[str, Sequence[np.ndarray]],
    folds: Folds,
    groups: np.ndarray | None,
    pairs: Iterable[tuple[str, str]],
    confidence: float = 0.95,
) -> tuple[Difference, ...]:
    """Test pairs of methods by the test that fits the folds, with corrections for all pairs.

    Several splits are tested by the corrected resampled t-test. One split is tested by McNemar's mid-p test, or by the
    sign-flip test of groups if the images come in groups.

    Parameters
    ----------
    scores : mapping of str to ndarray of shape (n_folds,)
        The tested score by method.
    is_right : mapping of str to sequence of ndarray of bool and shape (n_test,)
        Which test images a method gets right, for each fold. One split is tested by them.
    folds : Folds
    groups : ndarray of shape (n_images,) or None
        The groups of the collection.
    pairs : iterable of (str, str)
        Names of the methods to compare; differences are first minus second.
    confidence : float in (0, 1)
        Confidence of the intervals. Default: 0.95.

    Returns
    -------
    tuple of Difference
        In the order of the pairs. `Difference.interval` ends at -1 and 1, because the tested score is a share of
        images.

    Notes
    -----
    McNemar's exact test finds a difference between two equal methods in 2 to 3 % of cases where mid-p finds one in 4 to
    5 %, so mid-p is used. Groups are tested exactly, because a mid-p of sign flips finds too many differences with few
    groups.
    """
    if len(folds) > 1:
        corrected = partial(corrected_resampled_ttest, **folds.sizes._asdict())
        return tuple(map(_within_limits, compare_pairs(scores, pairs, corrected, confidence)))
    (fold,) = folds
    truth = np.ones(len(fold.test), dtype=bool)
    test: Any = partial(mcnemar_test, truth, method="mid-p")
    if groups is not None:
        test = partial(sign_flip_test, truth, groups=groups[fold.test])
    return compare_pairs({name: right for name, (right,) in is_right.items()}, pairs, test, confidence)


def _within_limits(difference: Difference) -> Difference:
    """Cut the interval of a difference of shares at -1 and 1; an interval of t does not know that there are limits."""
    low, high = np.clip(difference.interval, -1, 1).tolist()
    return difference._replace(interval=(low, high))


def power_of_pairs(
    scores: Mapping[str, np.ndarray],
    is_right: Mapping[str, Sequence[np.ndarray]],
    folds: Folds,
    groups: np.ndarray | None,
    pairs: Iterable[tuple[str, str]],
    power: float = 0.8,
    confidence: float = 0.95,
) -> tuple[PowerResult, ...]:
    """Compute how much the tests of `compare_pairs_of_methods` could find, if all pairs are tested together.

    Parameters
    ----------
    scores, is_right, folds, groups, pairs, confidence
        See `compare_pairs_of_methods`. The significance level of each test is that of all, divided by the number of
        pairs (Bonferroni), which is slightly cautious for Holm's p-values.
    power : float in (0, 1)
        The probability to find a difference. Default: 0.8.

    Returns
    -------
    tuple of PowerResult
        In the order of the pairs.
    """
    pairs = list(pairs)
    level = 1 - (1 - confidence) / max(len(pairs), 1)
    if len(folds) > 1:
        return tuple(
            corrected_power(
                scores[first], scores[second], *folds.sizes, repeats=folds.repeats, power=power, confidence=level
            )
            for first, second in pairs
        )
    (fold,) = folds
    truth = np.ones(len(fold.test), dtype=bool)
    tested = None if groups is None else groups[fold.test]
    return tuple(
        split_power(truth, is_right[first][0], is_right[second][0], tested, power=power, confidence=level)
        for first, second in pairs
    )
