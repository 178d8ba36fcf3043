"""How much each flow contributes to a score that is not a sum over flows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations

import numpy as np

#: Up to so many flows all orders are tried, else so many pairs of an order and its reverse.
_FEW, _N_PAIRS = 3, 8
_BLOCK = 32  # rows that are scored together


def share_by_covering(
    columns: Mapping[str, slice], x: np.ndarray, covered: np.ndarray, score: Callable[[np.ndarray], np.ndarray],
    rng: np.random.RandomState,
) -> dict[str, float]:
    """Return the Shapley value of each flow: the mean gain of score when it is the next to see the image.

    The flows that do not see the image see it covered. The sum of the values is the score of the image minus that of
    the covered image. With more than three flows, the mean is over random orders and their reverses (Mitchell, Cooper,
    Frank & Holmes, 2022, "Sampling Permutations for Shapley Value Estimation", section 3,
    https://jmlr.org/papers/v23/21-0439.html).

    Parameters
    ----------
    columns : mapping of str to slice
        The columns of each flow.
    x, covered : ndarray of shape (n_features,)
        The features of the image, and of the covered image.
    score : callable
        Takes rows of features, and returns their scores.
    rng : RandomState
        Draws the orders.
    """
    names, gains = list(columns), dict.fromkeys(columns, 0.0)
    orders = list(_orders(len(names), rng))
    for order in orders:
        scores = np.concatenate([score(block) for block in _unveil(columns, [names[i] for i in order], x, covered)])
        for i, gain in zip(order, np.diff(scores)):
            gains[names[i]] += float(gain) / len(orders)
    return gains


def _orders(n: int, rng: np.random.RandomState) -> Iterator[tuple[int, ...]]:
    if n <= _FEW:
        yield from permutations(range(n))
        return
    for _ in range(_N_PAIRS):
        order = tuple(rng.permutation(n).tolist())
        yield order
        yield order[::-1]


def _unveil(
    columns: Mapping[str, slice], order: list[str], x: np.ndarray, covered: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield blocks of rows: the covered image, then one more flow sees the image in each."""
    row, rows = covered.copy(), []
    for name in [None, *order]:
        if name is not None:
            row = row.copy()
            row[columns[name]] = x[columns[name]]
        rows.append(row)
        if len(rows) == _BLOCK:
            yield np.array(rows)
            rows = []
    if rows:
        yield np.array(rows)
