"""Test two methods' scores on the same folds by paired t-tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from .validation import check_confidence, has_spread, overlap_ratio, score_differences
from .wording import direction, finding, interval, no_spread, p

ENOUGH = 5
"""With fewer differences, a sentence says that the test can hardly find one."""

# Names of each test and of its interval.
_PAIRED = ("paired t-test", "paired t")
_CORRECTED = ("corrected resampled t-test", "corrected resampled t")


@dataclass(frozen=True)
class PairedResult:
    """Result of a paired test; differences are first minus second.

    Attributes
    ----------
    test : str
        Name of the test.
    statistic : float
        The test statistic t. NaN if there is no spread: there is only one difference, or all are equal.
    p_value : float
        Two-sided; NaN if there is no spread.
    degrees_of_freedom : int
        Degrees of freedom of t.
    mean_difference : float
        Mean of the differences.
    confidence_interval : (float, float)
        Interval of that mean; NaN if there is no spread.
    interval_kind : str
        Name of the method that computes the interval.
    confidence : float
        Confidence of the interval, such as 0.95.
    n_differences : int
        Number of pairs of scores.
    correction : str
        How overlapping training sets were corrected for.
    effect_size : float
        The mean difference divided by the standard deviation of the differences (ddof 1), called d_z; NaN if there is
        no spread. It measures how regular the difference is from fold to fold, not how much it matters in practice:
        larger test sets alone increase it. As folds share training images, the usual interval of d_z does not hold,
        and a meta-analysis must not count folds as cases.
    """

    test: str
    statistic: float
    p_value: float
    degrees_of_freedom: int
    mean_difference: float
    confidence_interval: tuple[float, float]
    interval_kind: str
    confidence: float
    n_differences: int
    correction: str
    effect_size: float

    def __str__(self) -> str:
        """Format the result as one sentence."""
        if self.n_differences < 2:
            return f"The only pair differs by {self.mean_difference:+.4f}; a test needs at least two pairs."
        if math.isnan(self.p_value):
            return no_spread(self.n_differences, self.mean_difference)
        few = "" if self.n_differences >= ENOUGH else (
            f" With only {self.n_differences} pairs the test can hardly find a difference."
        )
        ends = interval(self.confidence_interval, self.confidence, self.interval_kind)
        return (
            f"{self.test}: {finding(self.p_value, self.confidence)}; {direction(self.mean_difference)} on average over "
            f"{self.n_differences} pairs, {ends}, t({self.degrees_of_freedom}) = {self.statistic:.3f}, "
            f"{p(self.p_value)} ({self.correction}).{few}"
        )


def paired_ttest(first: Any, second: Any, confidence: float = 0.95) -> PairedResult:
    """Test two methods by Student's paired t-test, two-sided.

    It is the test of Iliukovich-Strakovskaia, Dral & Dral (2016), section 6. It treats the scores of different folds as
    independent. They are not, because their training sets overlap, so it finds differences too often. Use
    `corrected_resampled_ttest` to correct for that.

    Parameters
    ----------
    first, second : array-like of shape (n,)
        Scores of two methods on the same folds, in the same order.
    confidence : float in (0, 1)
        Confidence of the interval; 1 - confidence is the significance level. Default: 0.95.

    Returns
    -------
    PairedResult

    Raises
    ------
    ValueError
        If the scores are not two equally long 1-D sequences of finite numbers, or the confidence is not between 0 and
        1.
    """
    differences = score_differences(first, second)
    is_judged = has_spread(differences)
    return _t_test(_PAIRED, differences, is_judged, 1 / len(differences), confidence, "no correction")


def corrected_resampled_ttest(
    first: Any,
    second: Any,
    n_train: int | Sequence[int] | np.ndarray,
    n_test: int | Sequence[int] | np.ndarray,
    confidence: float = 0.95,
) -> PairedResult:
    """Test two methods by a paired t-test corrected for overlapping training sets, two-sided.

    Parameters
    ----------
    first, second : array-like of shape (n,)
        Scores of two methods on the same folds, in the same order.
    n_train, n_test : int or array-like of shape (n,)
        Numbers of training and test images, in every fold or in each. If folds differ, the mean of their ratios is
        used.
    confidence : float in (0, 1)
        Confidence of the interval; 1 - confidence is the significance level. Default: 0.95.

    Returns
    -------
    PairedResult

    Raises
    ------
    ValueError
        If the scores are not two equally long 1-D sequences of finite numbers, a size is not positive, or the
        confidence is not between 0 and 1.

    Notes
    -----
    Nadeau & Bengio (Machine Learning 52, 2003, https://doi.org/10.1023/A:1024068626366) replace the variance of the
    mean, s²/J, by (1/J + n_test/n_train) s². Bouckaert & Frank (PAKDD 2004,
    https://doi.org/10.1007/978-3-540-24775-3_3) do the same for repeated k-fold cross-validation.

    The correction assumes that the differences of two folds have the correlation n_test / (n_train + n_test). That is
    about right for random splits and repeated k-fold. It is too high for k-fold without repeats, whose test sets do
    not overlap: the test is then cautious and its interval wide. It is too low for learners that depend very much on
    which images they are trained on.

    In our simulation of equal learners (100 images), the tests find a difference (p < 0.05) in so many percent of
    cases, between steady / between sensitive learners:

    ==================  ==================  =============
    folds               corrected t-test    paired t-test
    ==================  ==================  =============
    10 random splits    5 / 6               15 / 17
    10 x 10-fold        4 / 6               54 / 58
    10-fold             1 / 2               5 / 8
    ==================  ==================  =============

    Examples
    --------
    >>> result = corrected_resampled_ttest([.82, .81, .83, .80, .82], [.80] * 5, n_train=80, n_test=20)
    >>> round(result.statistic, 4), round(result.p_value, 4)
    (2.0919, 0.1046)
    """
    differences = score_differences(first, second)
    ratio, correction = overlap_ratio(n_train, n_test, len(differences))
    factor = 1 / len(differences) + ratio
    return _t_test(_CORRECTED, differences, has_spread(differences, n_test), factor, confidence, correction)


def _t_test(
    name: tuple[str, str], differences: np.ndarray, is_judged: bool, variance_factor: float, confidence: float,
    correction: str,
) -> PairedResult:
    """Test the mean difference, whose variance is `variance_factor` times the variance of the differences."""
    check_confidence(confidence)
    n, mean = len(differences), float(differences.mean())
    freedom = n - 1
    test, kind = name
    statistic = p_value = effect = math.nan
    ends = (math.nan, math.nan)
    if is_judged:
        deviation = float(differences.std(ddof=1))
        effect, error = mean / deviation, math.sqrt(variance_factor) * deviation
        statistic = mean / error
        p_value = float(2 * stats.t.sf(abs(statistic), freedom))
        reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
        ends = (mean - reach, mean + reach)
    return PairedResult(test, statistic, p_value, freedom, mean, ends, kind, confidence, n, correction, effect)
