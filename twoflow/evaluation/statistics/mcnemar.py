"""McNemar's test: which of two classifiers is right more often on the same images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import stats

from ...errors import InputError
from .validation import check_confidence, label_columns, right
from .wording import direction, finding, interval, p

_CORRECTIONS = {
    "exact": "exact, given the number of images that one alone gets right",
    "mid-p": "mid-p, given the number of images that one alone gets right",
    "chi-square": "continuity correction",
}


@dataclass(frozen=True)
class McNemarResult:
    """What McNemar's test found; differences are first minus second.

    Attributes
    ----------
    test : str
    statistic : float
        `n_first_only`, a binomial count, of the exact and the mid-p test; chi-square of the other.
    p_value : float
        Two-sided.
    degrees_of_freedom : int or None
        One of the chi-square; the others have none.
    mean_difference : float
        Of the accuracies.
    confidence_interval : (float, float)
        Of the difference. It is no inversion of the test: near p = 1 - confidence the two may disagree about 0.
    confidence : float
    n_images : int
    n_first_only, n_second_only : int
        Images that only the one gets right; the test looks at no others.
    correction : str
        How p was found.
    """

    test: str
    statistic: float
    p_value: float
    degrees_of_freedom: int | None
    mean_difference: float
    confidence_interval: tuple[float, float]
    confidence: float
    n_images: int
    n_first_only: int
    n_second_only: int
    correction: str

    def __str__(self) -> str:
        """The result as one sentence."""
        value = "" if self.degrees_of_freedom is None else f"chi2({self.degrees_of_freedom}) = {self.statistic:.3f}, "
        return (
            f"{self.test}: {finding(self.p_value, self.confidence)}; {direction(self.mean_difference)} in accuracy on "
            f"{self.n_images} images, {interval(self.confidence_interval, self.confidence)}; "
            f"{self.n_first_only} that only the first gets right and {self.n_second_only} that only the second does, "
            f"{value}{p(self.p_value)} ({self.correction})."
        )


def mcnemar_test(
    y_true: Any,
    first_predicted: Any,
    second_predicted: Any,
    *,
    method: Literal["exact", "mid-p", "chi-square"] = "exact",
    confidence: float = 0.95,
) -> McNemarResult:
    """McNemar's test of two classifiers' predictions of the same images, two-sided.

    Of the images that only one of them gets right, equal classifiers share half each (McNemar, Psychometrika 12,
    1947, https://doi.org/10.1007/BF02295996). The exact test takes both tails of that binomial; it never errs more
    often than it says, at any number of images, and is the default. The mid-p test counts only half of what was
    seen: it errs about as often as it says, seldom more (Fagerland, Lydersen & Laake, BMC Medical Research Methodology
    13:91, 2013, https://doi.org/10.1186/1471-2288-13-91). The chi-square with a continuity correction (Edwards,
    Psychometrika 13, 1948, https://doi.org/10.1007/BF02289261), which Dietterich recommends (1998), approximates the
    exact test. The interval adds one image to either count (Bonett & Price, Journal of Educational and Behavioral
    Statistics 37, 2012, https://doi.org/10.3102/1076998611411915).

    It judges two fitted classifiers on a held-out set, not how methods vary with the training set. The predictions
    of all folds of one cross-validation may be pooled, each image once; p then is of those folds' classifiers, and
    of methods that depend much on which images they are trained on it finds a little too much. Images are taken for
    independent: of several photos of one product, keep one.

    Parameters
    ----------
    y_true, first_predicted, second_predicted : array-like of shape (n_images,)
        Labels, text or numbers.
    method : {"exact", "mid-p", "chi-square"}
    confidence : float in (0, 1)

    Returns
    -------
    McNemarResult

    Raises
    ------
    ValueError
        If the labels are not three equally long 1-D sequences without missing values, some are text and others
        numbers, or an option is not one of those above.

    Examples
    --------
    >>> truth = ["boot"] * 10
    >>> result = mcnemar_test(truth, ["boot"] * 9 + ["clog"], ["boot"] * 3 + ["clog"] * 7)
    >>> result.n_first_only, result.n_second_only, round(result.p_value, 4)
    (6, 0, 0.0312)
    """
    truth, first, second = label_columns(
        y_true=y_true, first_predicted=first_predicted, second_predicted=second_predicted
    )
    if method not in _CORRECTIONS:
        raise InputError(f"method must be one of {', '.join(_CORRECTIONS)}, got {method!r}")
    check_confidence(confidence)
    first_right, second_right = right(truth, first), right(truth, second)
    first_only, second_only = int((first_right & ~second_right).sum()), int((second_right & ~first_right).sum())
    statistic, p_value = _p_value(first_only, second_only, method)
    return McNemarResult(
        test="McNemar's test",
        statistic=statistic,
        p_value=p_value,
        degrees_of_freedom=1 if method == "chi-square" else None,
        mean_difference=(first_only - second_only) / len(truth),
        confidence_interval=_bonett_price(first_only, second_only, len(truth), confidence),
        confidence=confidence,
        n_images=len(truth),
        n_first_only=first_only,
        n_second_only=second_only,
        correction=_CORRECTIONS[method],
    )


def _p_value(first_only: int, second_only: int, method: str) -> tuple[float, float]:
    """The statistic and p."""
    n, fewer = first_only + second_only, min(first_only, second_only)
    if method == "chi-square":
        # A count apart by less than the correction is no evidence, rather than a square of something negative.
        statistic = max(abs(first_only - second_only) - 1, 0) ** 2 / n if n else 0.0
        return statistic, float(stats.chi2.sf(statistic, 1))
    p_value = 2 * float(stats.binom.cdf(fewer, n, 0.5))
    if method == "mid-p":
        p_value -= float(stats.binom.pmf(fewer, n, 0.5))
    return float(first_only), min(p_value, 1.0)


def _bonett_price(first_only: int, second_only: int, n: int, confidence: float) -> tuple[float, float]:
    """Bonett & Price (2012): Wald's interval of the counts with one more each, of n + 2 images."""
    first, second = (first_only + 1) / (n + 2), (second_only + 1) / (n + 2)
    middle = first - second
    reach = float(stats.norm.ppf((1 + confidence) / 2)) * math.sqrt((first + second - middle ** 2) / (n + 2))
    low, high = np.clip([middle - reach, middle + reach], -1, 1).tolist()
    return low, high
