"""Test every pair of methods over several data sets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from ...errors import MissingExtraError
from ..statistics import PracticalResult, SignedRankResult, bayesian_signed_rank_test, holm, signed_rank_test
from ..statistics.friedman import LEAST_DATASETS
from ..statistics.signed_rank import smallest_p

CONFIDENCE = 0.95
"""1 minus the significance level of every test."""


class PairOfMethods(NamedTuple):
    """The tests of one method against another, over all data sets.

    Attributes
    ----------
    first, second : str
        Names of the methods. The first has the better mean rank. Differences say by how much the first is better; they
        are first minus second if a greater score is better.
    result : SignedRankResult
        Wilcoxon's signed-rank test.
    p_holm : float
        Its p after Holm's correction for all pairs. NaN if the two are equal everywhere, or there are too few data sets
        to find any difference.
    practical : PracticalResult or None
        Probabilities that the first is practically better, equivalent or worse. None without the extra ``datasets``, or
        with fewer than five data sets.
    """

    first: str
    second: str
    result: SignedRankResult
    p_holm: float
    practical: PracticalResult | None

    @property
    def is_significant(self) -> bool:
        """Whether the two differ significantly."""
        return self.p_holm < 1 - CONFIDENCE

    @property
    def better(self) -> str:
        """The method that the signed ranks favor, the first at a tie."""
        return self.second if self.result.statistic < 0 else self.first


def compare_every_pair(
    methods: Sequence[str], gains: np.ndarray, margin: float, random_state: int
) -> tuple[tuple[PairOfMethods, ...], str | None]:
    """Test every pair of methods, and say so if the package for the probabilities is missing.

    Parameters
    ----------
    methods : sequence of str
        Names, the best mean rank first.
    gains : ndarray of shape (n_datasets, n_methods)
        Scores; a greater one is better.
    margin : float
        Largest difference that counts as practically equivalent.
    random_state : int
        Seed of the probabilities.
    """
    columns = list(combinations(range(len(methods)), 2))
    results = [signed_rank_test(gains[:, i], gains[:, j], confidence=CONFIDENCE) for i, j in columns]
    n_judged = count_judged(results)
    adjusted = holm([result.p_value for result in results])
    if smallest_holm_p(len(gains), n_judged) >= 1 - CONFIDENCE:
        adjusted = [math.nan] * len(results)
    practical: list[PracticalResult | None] = [None] * len(results)
    reason = None
    if len(gains) >= LEAST_DATASETS:
        try:
            practical = [
                bayesian_signed_rank_test(gains[:, i], gains[:, j], margin=margin, random_state=random_state)
                for i, j in columns
            ]
        except MissingExtraError as error:
            reason = f"there are no probabilities of equivalence: {error}"
    pairs = tuple(
        PairOfMethods(methods[i], methods[j], result, p_holm, probabilities)
        for (i, j), result, p_holm, probabilities in zip(columns, results, adjusted, practical)
    )
    return pairs, reason


def count_judged(results: Sequence[SignedRankResult]) -> int:
    """Count the tests that could judge, for which Holm's correction is made."""
    return sum(not math.isnan(result.p_value) for result in results)


def smallest_holm_p(n_datasets: int, n_tests: int) -> float:
    """Return the smallest p that Holm's correction for so many tests can leave.

    Examples
    --------
    >>> smallest_holm_p(6, 1), smallest_holm_p(6, 3)
    (0.03125, 0.09375)
    """
    return min(1.0, n_tests * smallest_p(n_datasets))


def datasets_needed(n_tests: int) -> int:
    """Return how many data sets are needed, so that one of so many differences can be significant.

    Examples
    --------
    >>> [datasets_needed(n_tests) for n_tests in (1, 3, 6, 10)]
    [6, 7, 8, 9]
    """
    n_datasets = 1
    while smallest_holm_p(n_datasets, n_tests) >= 1 - CONFIDENCE:
        n_datasets += 1
    return n_datasets


def group_methods(methods: Sequence[str], pairs: Sequence[PairOfMethods]) -> tuple[tuple[str, ...], ...]:
    """Find the largest groups, of two or more methods, in which no two differ significantly; the best is first."""
    apart = {frozenset((pair.first, pair.second)) for pair in pairs if pair.is_significant}
    alike = {
        method: {other for other in methods if other != method and frozenset((method, other)) not in apart}
        for method in methods
    }
    place = {method: i for i, method in enumerate(methods)}
    found = [sorted(map(place.__getitem__, group)) for group in _cliques(set(), set(methods), set(), alike)]
    return tuple(tuple(methods[i] for i in group) for group in sorted(found) if len(group) > 1)


def _cliques(
    chosen: set[str], candidates: set[str], done: set[str], neighbors: Mapping[str, set[str]]
) -> Iterator[set[str]]:
    """Find every largest set of nodes that are all neighbors (Bron & Kerbosch, Communications of the ACM 16, 1973)."""
    if not candidates and not done:
        yield chosen
        return
    # Groups without the pivot contain one of its other neighbors, so that its neighbors need no search of their own.
    pivot = max(candidates | done, key=lambda node: len(neighbors[node] & candidates))
    for node in candidates - neighbors[pivot]:
        yield from _cliques(chosen | {node}, candidates & neighbors[node], done & neighbors[node], neighbors)
        candidates = candidates - {node}
        done = done | {node}
