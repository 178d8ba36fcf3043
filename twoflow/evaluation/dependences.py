"""Test which targets of a collection depend on each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ..errors import InputError
from ..images import ImageCollection
from .statistics import IndependenceResult, chi2_independence
from .statistics.wording import p


def find_dependences(collection: ImageCollection) -> tuple[dict[tuple[str, str], IndependenceResult], list[str]]:
    """Test every pair of targets for independence; whole groups are permuted if there are groups.

    Parameters
    ----------
    collection : ImageCollection
        Only images with both labels of a pair count. Levels are not tested: they depend on each other by what they are.

    Returns
    -------
    results : dict of (str, str) to IndependenceResult
        The result for each pair of names, in the order of the targets. Empty with one target, and with levels.
    notes : list of str
        Why a pair could not be tested, such as a target with only one label.
    """
    results: dict[tuple[str, str], IndependenceResult] = {}
    notes: list[str] = []
    for pair in combinations(() if collection.are_levels else collection.target_names, 2):
        first, second = map(collection.target, pair)
        try:
            results[pair] = chi2_independence(first, second, collection.groups, names=pair)
        except InputError as error:
            notes.append(f"{pair[0]} and {pair[1]} were not tested for independence: {error}")
    return results, notes


def describe_dependences(collection: ImageCollection) -> Iterator[str]:
    """Yield a sentence for each pair of targets: whether they depend on each other. See `find_dependences`."""
    results, notes = find_dependences(collection)
    for (first, second), result in results.items():
        yield (
            f"{first} and {second}: {result.conclusion} Chi-square is {result.statistic:.3f} with "
            f"{result.degrees_of_freedom} degrees of freedom, {p(result.p_value)}; twoflow audit has the table"
        )
    yield from notes
