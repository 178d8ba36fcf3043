"""Test whether one of two methods is better over several data sets (Wilcoxon)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from .validation import check_confidence, score_differences
from .wording import finding, p

_DECIMALS = 12  # to which differences of the same size agree
_MOST_EXACT, _MOST_EXACT_TIED = 50, 13  # data sets, up to which scipy computes an exact p


@dataclass(frozen=True)
class SignedRankResult:
    """Result of Wilcoxon's signed-rank test; differences are first minus second.

    Attributes
    ----------
    test : str
        Name of the test.
    statistic : float
        Sum of the ranks of the positive differences minus that of the negative ones. Above 0 the first has the higher
        scores.
    p_value : float
        Two-sided. NaN if no difference is other than 0.
    smallest_p : float
        The smallest p that so many differences could give, 2 / 2^n for n of them that are not 0. If it is above
        the significance level, the test cannot find anything.
    median_difference, mean_difference : float
        Median and mean of the differences.
    n_higher, n_lower, n_equal : int
        On how many data sets the first has the higher score, the lower one, and the same.
    confidence : float
        1 minus the significance level, such as 0.95.
    correction : str
        How p was computed.
    """

    test: str
    statistic: float
    p_value: float
    smallest_p: float
    median_difference: float
    mean_difference: float
    n_higher: int
    n_lower: int
    n_equal: int
    confidence: float
    correction: str

    def __str__(self) -> str:
        """Format the result as one sentence."""
        counts = f"{self.n_higher} higher, {self.n_lower} lower, {self.n_equal} equal"
        if math.isnan(self.p_value):
            return f"{self.test}: the two are equal on all {self.n_equal} data sets, so there is nothing to test."
        if self.smallest_p >= 1 - self.confidence:
            found = f"nothing can be found, because the smallest possible p is {self.smallest_p:.4f}"
        else:
            found = finding(self.p_value, self.confidence)
        return (
            f"{self.test}: {found}; median difference {self.median_difference:+.4f} ({counts}), {p(self.p_value)} "
            f"({self.correction})."
        )


def signed_rank_test(first: Any, second: Any, *, confidence: float = 0.95) -> SignedRankResult:
    """Test two methods' scores on several data sets by Wilcoxon's signed-rank test, two-sided.

    Parameters
    ----------
    first, second : array-like of shape (n_datasets,)
        One score of each method on each data set, such as its mean accuracy over folds. The data sets must be
        independent; the folds of one data set are not.
    confidence : float in (0, 1)
        1 minus the significance level. Default: 0.95. It changes only the sentence.

    Returns
    -------
    SignedRankResult

    Raises
    ------
    ValueError
        If the scores are not two equally long 1-D sequences of finite numbers, or the confidence is not between 0 and
        1.

    Notes
    -----
    The differences are ranked by size; the test compares the ranks of positive and negative ones (Wilcoxon, Biometrics
    Bulletin 1, 1945, https://doi.org/10.2307/3001968). Demšar (Journal of Machine Learning Research 7, 2006, section
    3.1.3) recommends it for two classifiers on several data sets: unlike a t-test it needs no normal distribution and
    gives no weight to how far an outlier lies. Differences of 0 are ranked and then left out (Pratt, Journal of the
    American Statistical Association 54, 1959, https://doi.org/10.1080/01621459.1959.10501526).

    p is exact for up to 50 data sets, or up to 13 if differences are 0 or equal in size. For more it is from the normal
    distribution. An exact p takes few values at few data sets, so that the test finds a difference between equal
    methods less often than the significance level says. With fewer than six data sets p cannot fall below 0.05.

    Examples
    --------
    >>> result = signed_rank_test([.9, .8, .85, .7, .95, .6], [.8, .75, .83, .66, .94, .52])
    >>> result.p_value, result.smallest_p, result.n_higher
    (0.03125, 0.03125, 6)
    """
    check_confidence(confidence)
    # Differences of the same size are tied; the subtraction would make them differ by a rounding error.
    differences = np.round(score_differences(first, second), _DECIMALS)
    signs = np.sign(differences)
    n_changed = int(np.count_nonzero(signs))
    statistic = float((signs * stats.rankdata(np.abs(differences))).sum())
    p_value, correction = _p_value(differences, n_changed)
    return SignedRankResult(
        test="Wilcoxon's signed-rank test",
        statistic=statistic,
        p_value=p_value,
        smallest_p=smallest_p(n_changed),
        median_difference=float(np.median(differences)),
        mean_difference=float(differences.mean()),
        n_higher=int((signs > 0).sum()),
        n_lower=int((signs < 0).sum()),
        n_equal=len(differences) - n_changed,
        confidence=confidence,
        correction=correction,
    )


def smallest_p(n_differences: int) -> float:
    """Return the smallest p that the test can give for so many differences other than 0.

    Examples
    --------
    >>> smallest_p(5), smallest_p(6)
    (0.0625, 0.03125)
    """
    return min(1.0, 2.0 ** (1 - n_differences))


def _p_value(differences: np.ndarray, n_changed: int) -> tuple[float, str]:
    """Compute p, and say how."""
    if not n_changed:
        return math.nan, "no difference"
    n = len(differences)
    is_tied = n_changed < n or len(np.unique(np.abs(differences))) < n
    # scipy's "auto" enumerates all signs where that is feasible.
    p_value = stats.wilcoxon(differences, zero_method="pratt", method="auto").pvalue
    return float(p_value), "exact" if n <= (_MOST_EXACT_TIED if is_tied else _MOST_EXACT) else "normal approximation"
