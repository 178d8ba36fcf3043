"""Compute how much a comparison could find: the smallest difference, and the repeats that would show the one seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import optimize, special, stats

from ...errors import InputError
from .validation import (
    categories,
    check_confidence,
    has_spread,
    label_columns,
    overlap_ratio,
    right,
    score_differences,
)
from .wording import percent

_MOST_REPEATS = 1000
_LARGEST = 1.0  # no two accuracies differ by more


@dataclass(frozen=True)
class PowerResult:
    """How much a test of two methods could find.

    Attributes
    ----------
    smallest : float or None
        The smallest true difference that the test finds with the power; None if there is nothing to judge by, or even
        a difference of 1 would not be found.
    mean_difference : float
        The difference seen.
    repeats : int or None
        How many repeats of the same folds would find a true difference as large as the one seen, and as irregular, with
        the power. None if 1,000 do not, if the images are split once, or if there is nothing to judge by.
    power : float
        Probability to find the difference, such as 0.8.
    confidence : float
        1 - confidence is the significance level of the test.
    """

    smallest: float | None
    mean_difference: float
    repeats: int | None
    power: float
    confidence: float

    def __str__(self) -> str:
        """Format the result as one sentence."""
        if self.smallest is None:
            return f"These folds cannot find any difference with a power of {percent(self.power)}; test more images."
        begin = (
            f"With a power of {percent(self.power)} the test finds a difference of {self.smallest:.4f} or more; "
            f"the one seen is {abs(self.mean_difference):.4f}"
        )
        if self.smallest <= abs(self.mean_difference):
            return f"{begin}."
        if self.repeats is None:
            return f"{begin}, which takes more images, not more repeats."
        return f"{begin}, which takes {self.repeats} repeats of these folds."


def corrected_power(
    first: Any,
    second: Any,
    n_train: int | Sequence[int] | np.ndarray,
    n_test: int | Sequence[int] | np.ndarray,
    *,
    repeats: int = 1,
    power: float = 0.8,
    confidence: float = 0.95,
) -> PowerResult:
    """Compute how much the corrected resampled t-test could find, given the spread over folds.

    Parameters
    ----------
    first, second : array-like of shape (n,)
        Scores of two methods on the same folds, in the same order.
    n_train, n_test : int or array-like of shape (n,)
        Numbers of training and test images, in every fold or in each.
    repeats : int
        How often the folds were drawn; n must be a multiple of it. Default: 1. It only has an effect on
        `PowerResult.repeats`.
    power : float in (0, 1)
        The probability to find the difference. Default: 0.8. A higher one makes the smallest difference larger.
    confidence : float in (0, 1)
        1 - confidence is the significance level. Default: 0.95. For m tests together give 1 - (1 - confidence) / m.

    Returns
    -------
    PowerResult

    Raises
    ------
    ValueError
        If the scores, sizes or confidence are wrong, see `corrected_resampled_ttest`, the power is not between 0 and 1,
        or n is not a multiple of `repeats`.

    Notes
    -----
    The standard error is that of the corrected resampled t-test, sqrt((1/n + n_test / n_train) s²). With a true
    difference d, the test's statistic then has a noncentral t distribution with noncentrality d over that standard
    error (Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, section 2.2). More repeats
    shrink 1/n only, so from some number on they help no more.

    The figure trusts the spread that was seen, so it is uncertain itself: with five folds by a factor of about 2. After
    k-fold without repeats the test is cautious, so that the true figure is somewhat smaller.

    Examples
    --------
    >>> print(corrected_power([.82, .81, .83, .80, .82], [.80] * 5, n_train=80, n_test=20))
    With a power of 80% the test finds a difference of 0.0288 or more; the one seen is 0.0160, which takes 332 repeats
    of these folds.
    """
    differences = score_differences(first, second)
    _check(power, confidence)
    n, mean = len(differences), float(differences.mean())
    if repeats < 1 or n % repeats:
        raise InputError(f"repeats: expected a divisor of the number of folds, {n}, got {repeats}")
    ratio, _ = overlap_ratio(n_train, n_test, n)
    if not has_spread(differences, n_test):
        return PowerResult(None, mean, None, power, confidence)
    deviation, n_folds = float(differences.std(ddof=1)), n // repeats

    def find(n_differences: int) -> float:
        error = math.sqrt(1 / n_differences + ratio) * deviation
        return error * _detectable(n_differences - 1, power, confidence)

    needed = None
    # Each further repeat makes the smallest difference smaller, so the first that suffices is found by bisection.
    if mean and find(_MOST_REPEATS * n_folds) <= abs(mean):
        needed = _first(lambda count: count * n_folds > 1 and find(count * n_folds) <= abs(mean), _MOST_REPEATS)
    return PowerResult(_bounded(find(n)), mean, needed, power, confidence)


def split_power(
    y_true: Any,
    first_predicted: Any,
    second_predicted: Any,
    groups: Any = None,
    *,
    power: float = 0.8,
    confidence: float = 0.95,
) -> PowerResult:
    """Compute how much the test of one split could find, given how many images only one of the methods gets right.

    Parameters
    ----------
    y_true, first_predicted, second_predicted : array-like of shape (n_images,)
        Labels and predictions, all text or all numbers.
    groups : array-like of shape (n_images,), optional
        Images with the same value are one group. Default: each image is independent.
    power, confidence : float in (0, 1)
        See `corrected_power`. Default: 0.8 and 0.95.

    Returns
    -------
    PowerResult
        Its `repeats` is None.

    Raises
    ------
    ValueError
        If the columns are not equally long 1-D sequences without missing values, labels and predictions are text and
        numbers, or the confidence or the power are not between 0 and 1.

    Notes
    -----
    Without groups, the share of discordant images is taken as known, and the smallest difference solves the
    formula of Miettinen for McNemar's test, z_a sqrt(psi) + z_b sqrt(psi - d²) = d sqrt(n) (Connor, Biometrics 43,
    1987, https://doi.org/10.2307/2531961). With groups, the difference is that which a t-test finds whose cases are the
    groups, by the spread of their differences; see `sign_flip_test` for how few groups can find nothing.

    Examples
    --------
    >>> truth = ["boot"] * 100
    >>> first, second = ["boot"] * 90 + ["clog"] * 10, ["boot"] * 80 + ["clog"] * 15 + ["boot"] * 5
    >>> print(split_power(truth, first, second))
    With a power of 80% the test finds a difference of 0.1072 or more; the one seen is 0.0500, which takes more images,
    not more repeats.
    """
    _check(power, confidence)
    given = {} if groups is None else {"groups": groups}
    truth, first, second, *columns = label_columns(
        y_true=y_true, first_predicted=first_predicted, second_predicted=second_predicted, **given
    )
    gains = right(truth, first).astype(int) - right(truth, second).astype(int)
    mean, n_images = float(gains.mean()), len(truth)
    if columns:
        members = categories("groups", columns[0])[1]
        sizes = np.bincount(members)
        residuals = np.bincount(members, gains) - mean * sizes
        n_groups = len(sizes)
        if n_groups < 2 or not residuals.any():
            return PowerResult(None, mean, None, power, confidence)
        error = math.sqrt(float((residuals ** 2).sum()) * n_groups / (n_groups - 1)) / n_images
        smallest = _bounded(error * _detectable(n_groups - 1, power, confidence))
        return PowerResult(smallest, mean, None, power, confidence)
    discordant = float(np.abs(gains).mean())
    level, reach = stats.norm.ppf([(1 + confidence) / 2, power])

    def lack(difference: float) -> float:
        spread = level * math.sqrt(discordant) + reach * math.sqrt(max(discordant - difference ** 2, 0.0))
        return difference * math.sqrt(n_images) - spread

    # If all discordant images favor one method, the difference is as large as their share.
    is_found = discordant > 0 and lack(discordant) > 0
    smallest = float(optimize.brentq(lack, 0, discordant)) if is_found else None
    return PowerResult(smallest, mean, None, power, confidence)


@lru_cache(maxsize=1024)
def _detectable(freedom: int, power: float, confidence: float) -> float:
    """Return the difference, in standard errors, that a two-sided t-test finds with this power.

    The power is the mean over the chi-square distribution of the variance, at the middles of 4,000 equal shares of it.
    scipy's noncentral t has no values far out, where few degrees of freedom lead.
    """
    shares = (np.arange(4000) + 0.5) / 4000
    limits = stats.t.ppf((1 + confidence) / 2, freedom) * np.sqrt(stats.chi2.ppf(shares, freedom) / freedom)

    def lack(shift: float) -> float:
        return float((special.ndtr(shift - limits) + special.ndtr(-shift - limits)).mean()) - power

    most = 4.0
    while lack(most) < 0:
        most *= 2
    return float(optimize.brentq(lack, 0, most))


def _first(is_enough: Callable[[int], bool], most: int) -> int:
    """Return the smallest number from 1 to `most` that is enough, where each larger one is enough too."""
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return low


def _bounded(difference: float) -> float | None:
    return difference if difference <= _LARGEST else None


def _check(power: float, confidence: float) -> None:
    check_confidence(confidence)
    if not 1 - confidence < power < 1:
        raise InputError(
            f"power: expected a number above the significance level and below 1, such as 0.8, got {power!r}"
        )
