"""Estimate how probable it is that two methods are practically equivalent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from ...errors import InputError
from .validation import has_spread, overlap_ratio, score_differences
from .wording import no_spread


@dataclass(frozen=True)
class EquivalenceResult:
    """Posterior probabilities of the mean difference in score, first minus second.

    Attributes
    ----------
    worse, equivalent, better : float
        Probabilities that the first is worse by more than the margin, within the margin, and better by more than the
        margin. They sum to 1. NaN if there is no spread: there is only one difference, or all are equal.
    margin : float
        Largest difference that counts as equivalent.
    mean_difference, scale : float
        Location and scale of the posterior, a Student t. The scale is NaN if there is no spread.
    degrees_of_freedom : int
        Degrees of freedom of the posterior.
    n_differences : int
        Number of pairs of scores.
    correction : str
        How overlapping training sets were corrected for.
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
        """Format the result as one sentence."""
        if self.n_differences < 2:
            return f"The only pair differs by {self.mean_difference:+.4f}; a probability needs at least two pairs."
        if math.isnan(self.scale):
            return no_spread(self.n_differences, self.mean_difference)
        return (
            f"The first is better by more than {self.margin:g} with probability {self.better:.3f}, worse by more than "
            f"that with {self.worse:.3f}, and equivalent with {self.equivalent:.3f} (mean difference "
            f"{self.mean_difference:+.4f} over {self.n_differences} pairs, {self.correction})."
        )


def probability_of_equivalence(
    first: Any,
    second: Any,
    n_train: int | Sequence[int] | np.ndarray,
    n_test: int | Sequence[int] | np.ndarray,
    margin: float = 0.01,
) -> EquivalenceResult:
    """Estimate how probable it is that the first method is better, worse or equivalent (Bayesian correlated t-test).

    A p-value above 0.05 does not show that two methods are equal. This probability can.

    Parameters
    ----------
    first, second : array-like of shape (n,)
        Scores of two methods on the same folds, in the same order.
    n_train, n_test : int or array-like of shape (n,)
        Numbers of training and test images, in every fold or in each. If folds differ, the mean of their ratios is
        used.
    margin : float
        Largest difference that counts as equivalent, above 0. Default: 0.01, one point of accuracy, as in the paper.
        A larger margin makes equivalence more probable.

    Returns
    -------
    EquivalenceResult

    Raises
    ------
    ValueError
        If the scores are not two equally long 1-D sequences of finite numbers, or a size or the margin is not positive.

    Notes
    -----
    The correlation between folds is assumed to be rho = n_test / (n_train + n_test), and the prior is flat. The
    posterior of the mean difference is then a Student t with n - 1 degrees of freedom, around the mean of the n
    differences, with scale sqrt((1/n + rho / (1 - rho)) s²) (Corani & Benavoli, Machine Learning 100, 2015,
    https://doi.org/10.1007/s10994-015-5486-z; Benavoli, Corani, Demšar & Zaffalon, Journal of Machine Learning Research
    18(77), 2017). As rho / (1 - rho) = n_test / n_train, it has the shape of the corrected resampled t-test's interval.

    Examples
    --------
    >>> result = probability_of_equivalence([.82, .81, .83, .80, .82], [.80] * 5, n_train=80, n_test=20)
    >>> round(result.worse, 3), round(result.equivalent, 3), round(result.better, 3)
    (0.014, 0.225, 0.762)
    """
    if not (margin > 0 and math.isfinite(margin)):
        raise InputError(f"margin: expected a number above 0, such as 0.01, got {margin!r}")
    differences = score_differences(first, second)
    n, mean = len(differences), float(differences.mean())
    ratio, correction = overlap_ratio(n_train, n_test, n)
    scale = worse = better = equivalent = math.nan
    if has_spread(differences, n_test):
        scale = math.sqrt(1 / n + ratio) * float(differences.std(ddof=1))
        worse = float(stats.t.cdf((-margin - mean) / scale, n - 1))
        better = float(stats.t.sf((margin - mean) / scale, n - 1))
        equivalent = max(1 - worse - better, 0.0)
    return EquivalenceResult(worse, equivalent, better, margin, mean, scale, n - 1, n, correction)
