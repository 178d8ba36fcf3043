"""How probable it is that two methods are as good as equal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from ...errors import InputError
from .validation import ROUNDING, overlap_ratio, score_differences


@dataclass(frozen=True)
class EquivalenceResult:
    """Posterior probabilities of the difference in mean score, first minus second.

    Attributes
    ----------
    worse, equivalent, better : float
        The probabilities that the first is lower by more than the margin, neither, or higher by more than the margin;
        together 1. NaN if there is only one difference.
    margin : float
        Differences up to this are of no practical consequence.
    mean_difference, scale : float
        Location and scale of the posterior, a Student t; with a scale of 0 it is a point.
    degrees_of_freedom : int
    n_differences : int
        How many pairs were compared.
    correction : str
        What was done about training sets that overlap.
    """

    worse: float
    equivalent: float
    better: float
    margin: float
    mean_difference: float
    scale: float
    degrees_of_freedom: int
    n_differences: int
    correction: str

    def __str__(self) -> str:
        """The result as one sentence."""
        if self.n_differences < 2:
            return f"One pair differs by {self.mean_difference:+.4f}; a probability needs at least two."
        return (
            f"The first is better by more than {self.margin:g} with probability {self.better:.3f}, worse by more with "
            f"{self.worse:.3f}, and as good as equal with {self.equivalent:.3f} (mean difference "
            f"{self.mean_difference:+.4f} over {self.n_differences} pairs, {self.correction})."
        )


def probability_of_equivalence(
    first: Any,
    second: Any,
    n_train: int | Sequence[int] | np.ndarray,
    n_test: int | Sequence[int] | np.ndarray,
    margin: float = 0.01,
) -> EquivalenceResult:
    """The Bayesian correlated t-test: is the first better, worse, or as good as equal?

    A p-value above 0.05 does not say that two methods are equal; this does, or does not. With rho = n_test / (n_train +
    n_test) for the correlation between folds and a flat prior, the posterior of the mean difference is a Student t with
    n - 1 degrees of freedom around the mean of the n differences, and scale sqrt((1/n + rho / (1 - rho)) s²) (Corani &
    Benavoli, Machine Learning 100, 2015, https://doi.org/10.1007/s10994-015-5486-z; Benavoli, Corani, Demšar &
    Zaffalon, Journal of Machine Learning Research 18(77), 2017). As rho / (1 - rho) is n_test / n_train, it has the
    shape of the corrected resampled t-test's interval.

    Parameters
    ----------
    first, second : array-like of shape (n,)
        Scores of two methods on the same folds, in the same order.
    n_train, n_test : int or array-like of shape (n,)
        Images trained and tested on, in all folds or in each. If folds differ, the mean of their ratios is taken.
    margin : float
        The largest difference that is of no practical consequence, above 0; one point of accuracy as in the paper.

    Returns
    -------
    EquivalenceResult

    Raises
    ------
    ValueError
        If the scores are not two equally long 1-D sequences of finite numbers, or a size or the margin is not positive.

    Examples
    --------
    >>> result = probability_of_equivalence([.82, .81, .83, .80, .82], [.80] * 5, n_train=80, n_test=20)
    >>> round(result.worse, 3), round(result.equivalent, 3), round(result.better, 3)
    (0.014, 0.225, 0.762)
    """
    if not (margin > 0 and math.isfinite(margin)):
        raise InputError(f"margin must be a number above 0, got {margin!r}")
    differences = score_differences(first, second)
    n, mean = len(differences), float(differences.mean())
    ratio, correction = overlap_ratio(n_train, n_test, n)
    if n < 2:
        scale = worse = better = equivalent = math.nan
    elif np.ptp(differences) <= ROUNDING:
        scale, worse, better = 0.0, float(mean < -margin - ROUNDING), float(mean > margin + ROUNDING)
        equivalent = 1 - worse - better
    else:
        scale = math.sqrt(1 / n + ratio) * float(differences.std(ddof=1))
        worse = float(stats.t.cdf((-margin - mean) / scale, n - 1))
        better = float(stats.t.sf((margin - mean) / scale, n - 1))
        equivalent = max(1 - worse - better, 0.0)
    return EquivalenceResult(worse, equivalent, better, margin, mean, scale, n - 1, n, correction)
