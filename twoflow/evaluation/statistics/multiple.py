"""Tests of several pairs of methods, and the correction for how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from ...errors import InputError
from .paired import PairedResult, corrected_resampled_ttest


class Difference(NamedTuple):
    """The test of one method's scores against another's; `p_holm` is adjusted for all comparisons by that test."""

    first: str
    second: str
    result: PairedResult
    p_holm: float


def all_pairs(
    scores: Mapping[str, Any],
    n_train: int | Sequence[int] | np.ndarray,
    n_test: int | Sequence[int] | np.ndarray,
    confidence: float = 0.95,
) -> tuple[Difference, ...]:
    """Every method against every other by the corrected resampled t-test, with Holm's correction for all pairs.

    Parameters
    ----------
    scores : mapping of str to array-like of shape (n_folds,)
        Scores by name of the method, on the same folds, in the same order.
    n_train, n_test : int or array-like of shape (n_folds,)
        Images trained and tested on, in all folds or in each.
    confidence : float in (0, 1)
        Of each interval by itself: Holm's correction is of the p-values.

    Returns
    -------
    tuple of Difference
        In the order of the names; of each pair the later is first, as in differences to a reference that comes first.

    Raises
    ------
    ValueError
        If there are fewer than two methods, or what `corrected_resampled_ttest` refuses, with the names of the pair.

    Examples
    --------
    >>> scores = {"pixels": [.6, .5, .6], "network": [.8, .7, .9], "two-flow": [.8, .8, .9]}
    >>> [(pair.first, pair.second, round(pair.p_holm, 3)) for pair in all_pairs(scores, n_train=20, n_test=10)]
    [('network', 'pixels', 0.111), ('two-flow', 'pixels', 0.111), ('two-flow', 'network', 0.592)]
    """
    if len(scores) < 2:
        raise InputError(f"pairs need at least two methods, got {len(scores)}")
    test = partial(corrected_resampled_ttest, n_train=n_train, n_test=n_test, confidence=confidence)
    return compare_pairs(scores, [(second, first) for first, second in combinations(scores, 2)], test)


def compare_pairs(
    scores: Mapping[str, Any], pairs: Iterable[tuple[str, str]], test: Callable[[Any, Any], PairedResult]
) -> tuple[Difference, ...]:
    """The named pairs by one test, with Holm's correction for all of them.

    Parameters
    ----------
    scores : mapping of str to array-like of shape (n_folds,)
        Scores by name of the method, on the same folds, in the same order.
    pairs : iterable of (str, str)
    test : callable
        Takes two methods' scores and returns a `PairedResult`.

    Returns
    -------
    tuple of Difference
        In the order of the pairs.

    Raises
    ------
    ValueError
        What the test raises, with the names of the pair.
    """
    pairs = list(pairs)
    results = []
    for first, second in pairs:
        try:
            results.append(test(scores[first], scores[second]))
        except ValueError as error:
            raise InputError(f"{first} and {second}: {error}") from error
    adjusted = holm([result.p_value for result in results])
    return tuple(Difference(*pair, result, p_holm) for pair, result, p_holm in zip(pairs, results, adjusted))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for how many there are (Holm, Scandinavian Journal of Statistics 6, 1979); NaN stays NaN.

    A NaN, which a test that could not be made returns, does not count among them.

    Parameters
    ----------
    p_values : sequence of float of length n
        Each between 0 and 1, or NaN.

    Returns
    -------
    list of float of length n
        None below its own p-value.

    Raises
    ------
    ValueError
        If a p-value is not between 0 and 1, or they are not one sequence.

    Examples
    --------
    >>> holm([0.01, 0.04])
    [0.02, 0.04]
    """
    p = np.asarray(p_values, dtype=float)
    if p.ndim != 1 or ((p < 0) | (p > 1)).any():
        raise InputError(f"p-values must be one sequence of numbers between 0 and 1, got {p_values!r}")
    adjusted = np.full(len(p), np.nan)
    order = [i for i in np.argsort(p, kind="stable") if not np.isnan(p[i])]
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, p[i] * (len(order) - rank)))
        adjusted[i] = largest
    return adjusted.tolist()
