"""Which targets are wrong together, and how often that would be if their errors were independent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from ..images.targets import split_targets

_PATTERNS = 10  # that are listed if there are more than three targets
_COMBINATIONS = 10  # wrong combinations that are listed
_ALL_LISTED = 3  # targets, up to which every pattern is listed


class ErrorPattern(NamedTuple):
    """The predictions that are wrong for the same targets.

    Attributes
    ----------
    wrong : tuple of str
        The targets that are wrong; all others are right.
    n : int
    share : float
        Of all predictions.
    expected : float
        The number of predictions if the errors of the targets were independent: the product of the shares of errors
        and of right answers of all targets, times the number of predictions.
    """

    wrong: tuple[str, ...]
    n: int
    share: float
    expected: float


class WrongCombination(NamedTuple):
    """A combination of labels that was answered by another one.

    Attributes
    ----------
    true, answered : tuple of k labels
    n : int
    share : float
        Of the predictions for images with the true combination.
    """

    true: tuple[Any, ...]
    answered: tuple[Any, ...]
    n: int
    share: float


@dataclass(frozen=True, eq=False)
class JointErrors:
    """How the errors of several targets of one method come together.

    Only images that have labels of all targets count. With repeats each counts several times.

    Attributes
    ----------
    n : int
        The number of predictions.
    n_right : int
        How many of them are right for all targets.
    patterns : tuple of ErrorPattern
        Up to three targets: every pattern, those with the fewest wrong targets first. Else the ten that are most
        frequent over all methods, the most frequent first.
    n_other, expected_other : int, float
        The predictions of all other patterns together, and their expected number.
    combinations : tuple of WrongCombination
        The ten most frequent.
    """

    n: int
    n_right: int
    patterns: tuple[ErrorPattern, ...]
    n_other: int
    expected_other: float
    combinations: tuple[WrongCombination, ...]


def find_joint_errors(
    names: Sequence[str], true: np.ndarray, predicted: Mapping[str, np.ndarray]
) -> dict[str, JointErrors]:
    """Count which targets are wrong together, for each method.

    Parameters
    ----------
    names : sequence of k str
        The targets.
    true : ndarray of shape (n, k)
        Without missing labels.
    predicted : mapping of str to ndarray of shape (n, k)
        By method.

    Returns
    -------
    dict of str to JointErrors

    Examples
    --------
    >>> true = np.array([["tee", "red"], ["tee", "blue"], ["cap", "red"]])
    >>> answers = np.array([["tee", "red"], ["tee", "red"], ["tee", "blue"]])
    >>> found = find_joint_errors(["type", "color"], true, {"cnn": answers})
    >>> [(pattern.wrong, pattern.n) for pattern in found["cnn"].patterns]
    [(('type',), 0), (('color',), 1), (('type', 'color'), 1)]
    """
    wrong = {method: _find_wrong(true, own) for method, own in predicted.items()}
    counts = {method: Counter(map(tuple, own.tolist())) for method, own in wrong.items()}
    patterns = _choose_patterns(len(names), list(counts.values()))
    return {
        method: _describe(names, patterns, wrong[method], counts[method], _find_combinations(true, own))
        for method, own in predicted.items()
    }


def _find_wrong(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return np.column_stack([own != given for own, given in zip(split_targets(true), split_targets(predicted))])


def _choose_patterns(n_targets: int, counts: Sequence[Counter]) -> list[tuple[bool, ...]]:
    """Return the patterns to list; each says for every target whether it is wrong."""
    if n_targets <= _ALL_LISTED:
        positions = range(n_targets)
        chosen = [some for size in range(1, n_targets + 1) for some in combinations(positions, size)]
        return [tuple(position in some for position in positions) for some in chosen]
    total: Counter = sum(counts, Counter())
    found = [pattern for pattern in total if any(pattern)]
    found.sort(key=lambda pattern: (-total[pattern], sum(pattern), [not each for each in pattern]))
    return found[:_PATTERNS]


def _describe(
    names: Sequence[str], patterns: Sequence[tuple[bool, ...]], wrong: np.ndarray, counts: Counter,
    found: tuple[WrongCombination, ...],
) -> JointErrors:
    n, rates = len(wrong), wrong.mean(axis=0).tolist()
    right = (False,) * len(names)

    def expect(pattern: Sequence[bool]) -> float:
        return n * math.prod(rate if is_wrong else 1 - rate for rate, is_wrong in zip(rates, pattern))

    listed = tuple(
        ErrorPattern(
            tuple(name for name, is_wrong in zip(names, pattern) if is_wrong), counts[pattern], counts[pattern] / n,
            expect(pattern),
        )
        for pattern in patterns
    )
    n_other = n - counts[right] - sum(each.n for each in listed)
    expected_other = n - expect(right) - sum(each.expected for each in listed)
    return JointErrors(n, counts[right], listed, n_other, max(expected_other, 0.0), found)


def _find_combinations(true: np.ndarray, predicted: np.ndarray) -> tuple[WrongCombination, ...]:
    """Return the most frequent wrong combinations; at a tie the first in the order of the labels."""
    rows, answers = (list(zip(*(column.tolist() for column in split_targets(each)))) for each in (true, predicted))
    n_true = Counter(rows)
    pairs = Counter(pair for pair in zip(rows, answers) if pair[0] != pair[1])
    most = sorted(pairs, key=lambda pair: (-pairs[pair], list(map(str, (*pair[0], *pair[1])))))[:_COMBINATIONS]
    return tuple(WrongCombination(*pair, pairs[pair], pairs[pair] / n_true[pair[0]]) for pair in most)
