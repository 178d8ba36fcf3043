"""Paired tests of two methods' scores on the same folds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class PairedResult:
    """What a paired test found; differences are first minus second.

    Attributes
    ----------
    test : str
    statistic : float
        Infinite if all differences are equal and not zero; NaN if there is only one.
    p_value : float
        Two-sided.
    degrees_of_freedom : int
    mean_difference : float
    confidence_interval : (float, float)
    confidence : float
        Of the interval, for example 0.95.
    n_differences : int
        How many pairs were compared.
    correction : str
        What was done about training sets that overlap.
    """

    test: str
    statistic: float
    p_value: float
    degrees_of_freedom: int
    mean_difference: float
    confidence_interval: tuple[float, float]
    confidence: float
    n_differences: int
    correction: str

    def __str__(self) -> str:
        """The result as one sentence."""
        if self.n_differences < 2:
            return f"One pair differs by {self.mean_difference:+.4f}; a test needs at least two."
        if math.isinf(self.statistic):
            return (
                f"All {self.n_differences} differences are {self.mean_difference:+.4f}; without any spread the test "
                "has nothing to judge by."
            )
        if self.statistic == 0 and self.p_value == 1 and self.confidence_interval == (0, 0):
            return f"All {self.n_differences} pairs are equal."
        low, high = self.confidence_interval
        finding = "a difference" if self.p_value < 1 - self.confidence else "no difference that can be told from chance"
        return (
            f"{self.test}: {finding}; the first is {abs(self.mean_difference):.4f} "
            f"{'higher' if self.mean_difference > 0 else 'lower'} on average over {self.n_differences} pairs, "
            f"{self.confidence:.0%} interval {low:+.4f} to {high:+.4f}, t({self.degrees_of_freedom}) = "
            f"{self.statistic:.3f}, p = {self.p_value:.4f} ({self.correction})."
        )


def paired_ttest(first: Any, second: Any, confidence: float = 0.95) -> PairedResult:
    """Student's paired t-test, two-sided, as in Iliukovich-Strakovskaia, Dral & Dral (2016), section 6.

    It takes the scores of different folds for independent. They are not, since their training sets overlap, and so it
    finds differences too often; `corrected_resampled_ttest` mends that.

    Parameters
    ----------
    first, second : array-like of shape (n,)
        Scores of two methods on the same folds, in the same order.
    confidence : float in (0, 1)

    Returns
    -------
    PairedResult

    Raises
    ------
    ValueError
        If the scores are not two equally long 1-D sequences of finite numbers.
    """
    differences = _differences(first, second, confidence)
    return _t_test("paired t-test", differences, 1 / len(differences), confidence, "no correction")


def corrected_resampled_ttest(
    first: Any,
    second: Any,
    n_train: int | Sequence[int] | np.ndarray,
    n_test: int | Sequence[int] | np.ndarray,
    confidence: float = 0.95,
) -> PairedResult:
    """The paired t-test with the variance that overlapping training sets call for, two-sided.

    Nadeau & Bengio (Machine Learning 52, 2003, https://doi.org/10.1023/A:1024068626366) replace the variance of the
    mean, s²/J, by (1/J + n_test/n_train) s²; Bouckaert & Frank (PAKDD 2004,
    https://doi.org/10.1007/978-3-540-24775-3_3) do the same for repeated k-fold cross-validation.

    Parameters
    ----------
    first, second : array-like of shape (n,)
        Scores of two methods on the same folds, in the same order.
    n_train, n_test : int or array-like of shape (n,)
        Pictures trained and tested on, in all folds or in each. If folds differ, the mean of their ratios is taken.
    confidence : float in (0, 1)

    Returns
    -------
    PairedResult

    Raises
    ------
    ValueError
        If the scores are not two equally long 1-D sequences of finite numbers, or a size is not positive.

    Examples
    --------
    >>> result = corrected_resampled_ttest([.82, .81, .83, .80, .82], [.80] * 5, n_train=80, n_test=20)
    >>> round(result.statistic, 4), round(result.p_value, 4)
    (2.0919, 0.1046)
    """
    differences = _differences(first, second, confidence)
    sizes = [np.asarray(size, dtype=float) for size in (n_train, n_test)]
    for name, size in zip(("n_train", "n_test"), sizes):
        if size.ndim and size.shape != differences.shape or not (np.isfinite(size) & (size > 0)).all():
            raise ValueError(f"{name} must be positive, one number or {len(differences)}")
    ratios = np.broadcast_to(sizes[1] / sizes[0], differences.shape)
    equal = ratios.min() == ratios.max()
    correction = (
        f"corrected for overlapping training sets, test to train {ratios.mean():.4f}"
        + ("" if equal else f", the mean of {ratios.min():.4f} to {ratios.max():.4f}")
    )
    factor = 1 / len(differences) + ratios.mean()
    return _t_test("corrected resampled t-test", differences, factor, confidence, correction)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for how many there are (Holm, Scandinavian Journal of Statistics 6, 1979); NaN stays NaN."""
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(len(p), np.nan)
    order = [i for i in np.argsort(p, kind="stable") if not np.isnan(p[i])]
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, p[i] * (len(order) - rank)))
        adjusted[i] = largest
    return adjusted.tolist()


def _differences(first: Any, second: Any, confidence: float) -> np.ndarray:
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ValueError(f"scores must be two equally long sequences, got shapes {first.shape} and {second.shape}")
    if not (np.isfinite(first) & np.isfinite(second)).all():
        raise ValueError("scores must be finite numbers")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence!r}")
    return first - second


def _t_test(
    test: str, differences: np.ndarray, variance_factor: float, confidence: float, correction: str
) -> PairedResult:
    """A t-test of the mean, whose variance is `variance_factor` times that of the differences."""
    n, mean = len(differences), float(differences.mean())
    freedom = n - 1
    if n < 2:
        statistic, p_value, interval = math.nan, math.nan, (math.nan, math.nan)
    elif np.ptp(differences) <= 1e-12:  # equal but for rounding in the subtraction
        mean = 0.0 if abs(mean) <= 1e-12 else mean
        statistic = math.copysign(math.inf, mean) if mean else 0.0
        p_value, interval = (0.0 if mean else 1.0), (mean, mean)
    else:
        error = math.sqrt(variance_factor * differences.var(ddof=1))
        statistic = mean / error
        p_value = float(2 * stats.t.sf(abs(statistic), freedom))
        reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
        interval = (mean - reach, mean + reach)
    return PairedResult(test, statistic, p_value, freedom, mean, interval, confidence, n, correction)
