"""Test which of two classifiers is right more often on the same images (McNemar)."""

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
    "exact": "exact, given the number of images that only one gets right",
    "mid-p": "mid-p, given the number of images that only one gets right",
    "chi-square": "continuity correction",
}


@dataclass(frozen=True)
class McNemarResult:
    """Result of McNemar's test; differences are first minus second.

    Attributes
    ----------
    test : str
        Name of the test.
    statistic : float
        For the exact and the mid-p test `n_first_only`, a binomial count; else chi-square.
    p_value : float
        Two-sided; NaN if each image is right for both methods or for neither.
    degrees_of_freedom : int or None
        1 for the chi-square; None for the others.
    mean_difference : float
        Difference of the accuracies.
    confidence_interval : (float, float)
        Interval of that difference; NaN if p is. It does not invert the test: if p is near 1 - confidence, the
        interval and the test may disagree about a difference of 0.
    interval_kind : str
        Name of the method that computes the interval.
    confidence : float
        Confidence of the interval, such as 0.95.
    n_images : int
        Number of images.
    n_first_only, n_second_only : int
        Numbers of images that only the first, and only the second, gets right. The test uses no others.
    correction : str
        How p was computed.
    n_differences : None
        There are no folds.
    effect_size : float
        Always NaN.
    """

    test: str
    statistic: float
    p_value: float
    degrees_of_freedom: int | None
    mean_difference: float
    confidence_interval: tuple[float, float]
    interval_kind: str
    confidence: float
    n_images: int
    n_first_only: int
    n_second_only: int
    correction: str
    n_differences: None = None
    effect_size: float = math.nan

    def __str__(self) -> str:
        """Format the result as one sentence."""
        if math.isnan(self.p_value):
            return f"Both are right on the same images, of {self.n_images}; the test cannot judge."
        value = "" if self.degrees_of_freedom is None else f"chi2({self.degrees_of_freedom}) = {self.statistic:.3f}, "
        return (
            f"{self.test}: {finding(self.p_value, self.confidence)}; {direction(self.mean_difference)} in accuracy on "
            f"{self.n_images} images, {interval(self.confidence_interval, self.confidence, self.interval_kind)}; "
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
    """Test two classifiers' predictions of the same images by McNemar's test, two-sided.

    The test compares two fitted classifiers on a held-out set. It does not cover how methods vary with the training
    set. You may pool the predictions of all folds of one cross-validation, each image once: the test then compares the
    classifiers of those folds, and finds slightly too many differences between methods that depend much on which images
    they are trained on. The test treats images as independent: keep one of several photos of the same product.

    Parameters
    ----------
    y_true, first_predicted, second_predicted : array-like of shape (n_images,)
        Labels and predictions, all text or all numbers.
    method : {"exact", "mid-p", "chi-square"}
        How p is computed; see Notes. Default: "exact".
    confidence : float in (0, 1)
        Confidence of the interval; 1 - confidence is the significance level. Default: 0.95.

    Returns
    -------
    McNemarResult

    Raises
    ------
    ValueError
        If the labels are not three equally long 1-D sequences without missing values, some are text and others
        numbers, or an option is not one of those above.

    Notes
    -----
    If the classifiers are equally good, each is expected to get half of the images right that only one of them gets
    right (McNemar, Psychometrika 12, 1947, https://doi.org/10.1007/BF02295996).

    - "exact" sums both tails of that binomial. Its error rate never exceeds the significance level, at any number of
      images.
    - "mid-p" counts only half of the observed outcome. Its error rate is about the significance level, and seldom
      above it (Fagerland, Lydersen & Laake, BMC Medical Research Methodology 13:91, 2013,
      https://doi.org/10.1186/1471-2288-13-91).
    - "chi-square", with a continuity correction (Edwards, Psychometrika 13, 1948, https://doi.org/10.1007/BF02289261),
      approximates the exact test. Dietterich (1998) recommends it.

    The interval adds one image to both counts (Bonett & Price, Journal of Educational and Behavioral Statistics 37,
    2012, https://doi.org/10.3102/1076998611411915).

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
        raise InputError(f"method: expected one of {', '.join(_CORRECTIONS)}, got {method!r}")
    check_confidence(confidence)
    first_right, second_right = right(truth, first), right(truth, second)
    first_only, second_only = int((first_right & ~second_right).sum()), int((second_right & ~first_right).sum())
    if first_only + second_only:
        statistic, p_value = _p_value(first_only, second_only, method)
        ends = _bonett_price(first_only, second_only, len(truth), confidence)
    else:
        statistic, p_value, ends = math.nan, math.nan, (math.nan, math.nan)
    return McNemarResult(
        test="McNemar's test",
        statistic=statistic,
        p_value=p_value,
        degrees_of_freedom=1 if method == "chi-square" else None,
        mean_difference=(first_only - second_only) / len(truth),
        confidence_interval=ends,
        interval_kind="Bonett & Price",
        confidence=confidence,
        n_images=len(truth),
        n_first_only=first_only,
        n_second_only=second_only,
        correction=_CORRECTIONS[method],
    )


def _p_value(first_only: int, second_only: int, method: str) -> tuple[float, float]:
    """Compute the statistic and p."""
    n, fewer = first_only + second_only, min(first_only, second_only)
    if method == "chi-square":
        # Counts that differ by less than the correction are no evidence; the correction must not make them so.
        statistic = max(abs(first_only - second_only) - 1, 0) ** 2 / n
        return statistic, float(stats.chi2.sf(statistic, 1))
    p_value = 2 * float(stats.binom.cdf(fewer, n, 0.5))
    if method == "mid-p":
        p_value -= float(stats.binom.pmf(fewer, n, 0.5))
    return float(first_only), min(p_value, 1.0)


def _bonett_price(first_only: int, second_only: int, n: int, confidence: float) -> tuple[float, float]:
    """Compute the interval of Bonett & Price (2012): Wald's, with one image added to each count and two to n."""
    first, second = (first_only + 1) / (n + 2), (second_only + 1) / (n + 2)
    middle = first - second
    reach = float(stats.norm.ppf((1 + confidence) / 2)) * math.sqrt((first + second - middle ** 2) / (n + 2))
    low, high = np.clip([middle - reach, middle + reach], -1, 1).tolist()
    return low, high
