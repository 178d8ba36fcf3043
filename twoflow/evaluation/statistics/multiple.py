"""Test several pairs of methods, and correct p-values and intervals for the number of tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from ...errors import InputError
from .paired import corrected_resampled_ttest
from .result import PairResult


class Difference(NamedTuple):
    """Test of one method's scores against another's.

    Attributes
    ----------
    first, second : str
        Names of the methods; differences are first minus second.
    result : PairResult
        Result of the test by itself.
    p_holm : float
        Its p-value after Holm's correction for all pairs that were tested together; NaN if the test cannot judge.
    interval : (float, float)
        Interval of the difference after Bonferroni's correction: all intervals of the pairs that were tested together
        contain their true differences with the confidence of `result`. NaN if there is none. It is somewhat wider than
        Holm's p-value demands: it may contain 0 though `p_holm` is just below 1 - confidence.
    n_tests : int
        The number of tests that both corrections are for: those that give a p-value.
    """

    first: str
    second: str
    result: PairResult
    p_holm: float
    interval: tuple[float, float]
    n_tests: int

    @property
    def interval_kind(self) -> str:
        """Name of the method that computes `interval`."""
        adjusted = f", Bonferroni for {self.n_tests} tests" if self.n_tests > 1 else ""
        return f"{self.result.interval_kind}{adjusted}"


def all_pairs(
    scores: Mapping[str, Any],
    n_train: int | Sequence[int] | np.ndarray,
    n_test: int | Sequence[int] | np.ndarray,
    confidence: float = 0.95,
) -> tuple[Difference, ...]:
    """Test every pair of methods by the corrected resampled t-test, with Holm's correction for all pairs.

    Parameters
    ----------
    scores : mapping of str to array-like of shape (n_folds,)
        Scores by name of the method, on the same folds, in the same order.
    n_train, n_test : int or array-like of shape (n_folds,)
        Numbers of training and test images, in every fold or in each.
    confidence : float in (0, 1)
        Confidence of `Difference.result.confidence_interval` by itself, and of all `Difference.interval` together.
        Default: 0.95.

    Returns
    -------
    tuple of Difference
        In the order of the names. `Difference.first` is the method that comes later in `scores`, so that differences
        are to the method that comes first, the reference.

    Raises
    ------
    ValueError
        If there are fewer than two methods, or `corrected_resampled_ttest` raises; the message names the pair.

    Examples
    --------
    >>> scores = {"pixels": [.6, .5, .6], "network": [.8, .7, .9], "two-flow": [.8, .8, .9]}
    >>> [(pair.first, pair.second, round(pair.p_holm, 3)) for pair in all_pairs(scores, n_train=20, n_test=10)]
    [('network', 'pixels', 0.111), ('two-flow', 'pixels', 0.111), ('two-flow', 'network', 0.592)]
    """
    if len(scores) < 2:
        raise InputError(f"expected scores of at least two methods, got {len(scores)}")
    test = partial(corrected_resampled_ttest, n_train=n_train, n_test=n_test)
    return compare_pairs(scores, [(second, first) for first, second in combinations(scores, 2)], test, confidence)


def compare_pairs(
    scores: Mapping[str, Any],
    pairs: Iterable[tuple[str, str]],
    test: Callable[..., PairResult],
    confidence: float = 0.95,
) -> tuple[Difference, ...]:
    """Test the named pairs of methods, with Holm's and Bonferroni's correction for all of them.

    Parameters
    ----------
    scores : mapping of str to array-like of shape (n,)
        What the test takes of each method, by name: the scores on the same folds, in the same order, or the predictions
        of the same images.
    pairs : iterable of (str, str)
        Names of the methods to compare; differences are first minus second.
    test : callable
        The test. It takes the scores of two methods and `confidence`, and returns a `PairResult`.
    confidence : float in (0, 1)
        Confidence of `Difference.result.confidence_interval` by itself, and of all `Difference.interval` together.
        Default: 0.95.

    Returns
    -------
    tuple of Difference
        In the order of the pairs.

    Raises
    ------
    ValueError
        If the test raises; the message names the pair.
    """
    pairs = list(pairs)

    def run(level: float) -> list[PairResult]:
        results = []
        for first, second in pairs:
            try:
                results.append(test(scores[first], scores[second], confidence=level))
            except ValueError as error:
                raise InputError(f"{first} and {second}: {error}") from error
        return results

    results = run(confidence)
    n_tests = sum(not math.isnan(result.p_value) for result in results)
    together = run(1 - (1 - confidence) / n_tests) if n_tests > 1 else results
    adjusted = holm([result.p_value for result in results])
    return tuple(
        Difference(*pair, result, p_holm, wider.confidence_interval, n_tests)
        for pair, result, p_holm, wider in zip(pairs, results, adjusted, together)
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for the number of tests (Holm, Scandinavian Journal of Statistics 6, 1979).

    NaN, the p-value of a test that could not judge, stays NaN and does not count as a test.

    Parameters
    ----------
    p_values : sequence of float of length n
        Each between 0 and 1, or NaN.

    Returns
    -------
    list of float of length n
        The corrected p-values, each at least as large as before.

    Raises
    ------
    ValueError
        If a p-value is not between 0 and 1, or the p-values are not a 1-D sequence.

    Examples
    --------
    >>> holm([0.01, 0.04])
    [0.02, 0.04]
    """
    p = np.asarray(p_values, dtype=float)
    if p.ndim != 1 or ((p < 0) | (p > 1)).any():
        raise InputError(f"expected a 1-D sequence of p-values between 0 and 1, got {p_values!r}")
    adjusted = np.full(len(p), np.nan)
    order = [i for i in np.argsort(p, kind="stable") if not np.isnan(p[i])]
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, p[i] * (len(order) - rank)))
        adjusted[i] = largest
    return adjusted.tolist()
