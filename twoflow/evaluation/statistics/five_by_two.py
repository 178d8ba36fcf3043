"""Test two methods by five replications of two-fold cross-validation (5x2cv)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from .validation import ROUNDING, check_confidence, five_by_two_differences
from .wording import direction, finding, interval, no_spread, p


@dataclass(frozen=True)
class FiveByTwoResult:
    """Result of a test by 5 x 2-fold cross-validation; differences are first minus second.

    Attributes
    ----------
    test : str
        Name of the test.
    statistic : float
        The test statistic, t or F; NaN if there is no spread, because the two differences of every replication agree.
    p_value : float
        Two-sided; NaN if there is no spread.
    degrees_of_freedom : int or (int, int)
        5 for the t-test; 10 and 5 for the F-test.
    mean_difference : float
        Mean of all ten differences.
    first_difference : float
        Difference in the first fold of the first replication, the numerator of the t-test.
    confidence_interval : (float, float)
        For the t-test, around the first difference; NaN if there is no spread. For the F-test NaN: it tests ten
        squared differences together, which have no direction, so it gives no interval of their mean.
    interval_kind : str
        Name of the method that computes the interval.
    confidence : float
        Confidence of the interval, such as 0.95.
    n_differences : int
        Always 10.
    correction : str
        How overlapping training sets were corrected for.
    effect_size : float
        Always NaN.
    """

    test: str
    statistic: float
    p_value: float
    degrees_of_freedom: int | tuple[int, int]
    mean_difference: float
    first_difference: float
    confidence_interval: tuple[float, float]
    interval_kind: str
    confidence: float
    n_differences: int
    correction: str
    effect_size: float = math.nan

    def __str__(self) -> str:
        """Format the result as one sentence."""
        if math.isnan(self.p_value):
            if self.mean_difference == 0:
                return no_spread(self.n_differences, 0)
            return (
                f"The two folds of every replication give the same difference, {self.mean_difference:+.4f} on average; "
                "without any spread the test cannot judge."
            )
        if isinstance(self.degrees_of_freedom, int):
            around = interval(self.confidence_interval, self.confidence, self.interval_kind)
            ends = f"{around} around the first pair's difference"
            value = f"t({self.degrees_of_freedom}) = {self.statistic:.3f}"
        else:
            ends = interval(self.confidence_interval, self.confidence, self.interval_kind)
            value = f"F({self.degrees_of_freedom[0]}, {self.degrees_of_freedom[1]}) = {self.statistic:.3f}"
        return (
            f"{self.test}: {finding(self.p_value, self.confidence)}; {direction(self.mean_difference)} on average over "
            f"{self.n_differences} pairs, {ends}, {value}, {p(self.p_value)} ({self.correction})."
        )


def five_by_two_cv_ttest(first: Any, second: Any, confidence: float = 0.95) -> FiveByTwoResult:
    """Test two methods by Dietterich's 5x2cv t-test, two-sided.

    The result depends on which fold comes first, which is chance; `five_by_two_cv_ftest` does not. Both tests train
    on half of the images, and judge the methods as trained on that many.

    Parameters
    ----------
    first, second : array-like of shape (5, 2)
        Scores of two methods by replication and fold, on the same folds.
    confidence : float in (0, 1)
        Confidence of the interval; 1 - confidence is the significance level. Default: 0.95.

    Returns
    -------
    FiveByTwoResult

    Raises
    ------
    ValueError
        If the scores do not have that shape or are not finite, or the confidence is not between 0 and 1.

    Notes
    -----
    The variance of a replication is that of its two differences, whose training sets do not overlap. The first
    difference is divided by the root of the mean of the five variances, and compared with Student's t with 5 degrees
    of freedom (Dietterich, Neural Computation 10(7), 1998, https://doi.org/10.1162/089976698300017197). The interval
    is the first difference ± t times that root: it excludes 0 exactly if p is below 1 - confidence.

    Both 5x2cv tests find too many differences if the accuracy depends much on which images are trained on. If two
    halves suit each other for one method, they do so in both directions, so the two differences of a replication rise
    and fall together, and their variance is too small. In our simulation of equal learners (100 images, p < 0.05), the
    t-test and the F-test find a difference in 3.5 % and 3.7 % of cases between steady learners, and in 12 % and 15 %
    between sensitive ones.

    Examples
    --------
    >>> first = [[.82, .80], [.81, .83], [.84, .80], [.82, .82], [.80, .83]]
    >>> result = five_by_two_cv_ttest(first, [[.80, .80]] * 5)
    >>> round(result.statistic, 4), round(result.p_value, 4)
    (1.101, 0.3211)
    """
    differences = five_by_two_differences(first, second)
    check_confidence(confidence)
    tested = float(differences[0, 0])
    error = math.sqrt(_variances(differences).mean())
    statistic = tested / error if error else math.nan
    reach = float(stats.t.ppf((1 + confidence) / 2, 5)) * error if error else math.nan
    return FiveByTwoResult(
        test="5x2cv t-test",
        statistic=statistic,
        p_value=float(2 * stats.t.sf(abs(statistic), 5)),
        degrees_of_freedom=5,
        mean_difference=float(differences.mean()),
        first_difference=tested,
        confidence_interval=(tested - reach, tested + reach),
        interval_kind="5x2cv t",
        confidence=confidence,
        n_differences=differences.size,
        correction="training sets of a replication do not overlap",
    )


def five_by_two_cv_ftest(first: Any, second: Any, confidence: float = 0.95) -> FiveByTwoResult:
    """Test two methods by Alpaydin's 5x2cv F-test.

    Unlike `five_by_two_cv_ttest`, it does not depend on which fold comes first. It gives no interval; see
    `FiveByTwoResult`.

    Parameters
    ----------
    first, second : array-like of shape (5, 2)
        Scores of two methods by replication and fold, on the same folds.
    confidence : float in (0, 1)
        1 - confidence is the significance level that the result's sentence uses. Default: 0.95.

    Returns
    -------
    FiveByTwoResult

    Raises
    ------
    ValueError
        If the scores do not have that shape or are not finite, or the confidence is not between 0 and 1.

    Notes
    -----
    The sum of all ten squared differences, over twice the sum of the five replications' variances, is compared with F
    with 10 and 5 degrees of freedom (Alpaydin, Neural Computation 11(8), 1999,
    https://doi.org/10.1162/089976699300016007). The upper tail holds differences in either direction. Its error rates
    are in the notes of `five_by_two_cv_ttest`.

    Examples
    --------
    >>> first = [[.82, .80], [.81, .83], [.84, .80], [.82, .82], [.80, .83]]
    >>> result = five_by_two_cv_ftest(first, [[.80, .80]] * 5)
    >>> round(result.statistic, 4), round(result.p_value, 4)
    (1.4242, 0.3654)
    """
    differences = five_by_two_differences(first, second)
    check_confidence(confidence)
    squares, variances = float((differences ** 2).sum()), float(_variances(differences).sum())
    statistic = squares / (2 * variances) if variances else math.nan
    return FiveByTwoResult(
        test="5x2cv F-test",
        statistic=statistic,
        p_value=float(stats.f.sf(statistic, 10, 5)),
        degrees_of_freedom=(10, 5),
        mean_difference=float(differences.mean()),
        first_difference=float(differences[0, 0]),
        confidence_interval=(math.nan, math.nan),
        interval_kind="none",
        confidence=confidence,
        n_differences=differences.size,
        correction="training sets of a replication do not overlap",
    )


def _variances(differences: np.ndarray) -> np.ndarray:
    """Compute each replication's variance as both papers define it: two squared deviations from their mean."""
    apart = differences[:, 0] - differences[:, 1]
    return np.where(np.abs(apart) <= ROUNDING, 0.0, apart) ** 2 / 2
