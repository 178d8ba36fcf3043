"""Tables that count pairs of labels: what independence expects of them, and their random permutations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import RandomState
from scipy import stats

from .validation import ROUNDING

_CELLS_AT_A_TIME = 1_000_000  # of permuted tables, to bound memory


def tabulate(rows: np.ndarray, columns: np.ndarray, n_rows: int, n_columns: int) -> np.ndarray:
    """Count each pair of categories, of shape (n_rows, n_columns)."""
    return np.bincount(rows * n_columns + columns, minlength=n_rows * n_columns).reshape(n_rows, n_columns)


def expect(tables: np.ndarray) -> np.ndarray:
    """Compute the counts that independence expects: row sum times column sum over the number of images.

    Parameters
    ----------
    tables : ndarray of shape (..., n_rows, n_columns)

    Returns
    -------
    ndarray of the same shape and dtype float64
    """
    rows, columns = tables.sum(axis=-1, keepdims=True), tables.sum(axis=-2, keepdims=True)
    return rows * columns / tables.sum(axis=(-2, -1), keepdims=True)


def standardize(table: np.ndarray) -> np.ndarray:
    """Compute the adjusted residual of each cell: its deviation from the expected count in standard errors.

    Independence makes each of them nearly standard normal (Haberman, Biometrics 29, 1973,
    https://doi.org/10.2307/2529686).

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns), without empty rows and columns

    Returns
    -------
    ndarray of shape (n_rows, n_columns) and dtype float64
    """
    n, expected = table.sum(), expect(table)
    shares = (1 - table.sum(axis=1, keepdims=True) / n) * (1 - table.sum(axis=0, keepdims=True) / n)
    return (table - expected) / np.sqrt(expected * shares)


def pearson(tables: np.ndarray) -> np.ndarray:
    """Compute Pearson's chi-square of each table; tables have shape (..., n_rows, n_columns).

    A permutation of groups may leave a category without images; its cells count as 0.
    """
    expected = expect(tables)
    squares = np.divide((tables - expected) ** 2, expected, out=np.zeros(tables.shape), where=expected > 0)
    return squares.sum(axis=(-2, -1))


def monte_carlo_p(
    rows: np.ndarray, columns: np.ndarray, members: np.ndarray | None, table: np.ndarray, n_permutations: int,
    random: RandomState,
) -> float:
    """Compute the share of random permutations whose chi-square is at least that of the table, which counts as one.

    Parameters
    ----------
    rows, columns : ndarray of shape (n_images,) and dtype int
        Categories of each image.
    members : ndarray of shape (n_images,) and dtype int, or None
        The group of each image. The labels of a group are permuted together. None: each image by itself.
    table : ndarray of shape (n_rows, n_columns)
        Counts of the pairs.
    n_permutations : int
    random : RandomState

    Returns
    -------
    float
        From 1 / (n_permutations + 1) to 1.
    """
    statistic = pearson(table)
    n_as_large, at_a_time = 0, max(1, _CELLS_AT_A_TIME // table.size)
    permuted = None if members is None else _permute_groups(columns, members, n_permutations, random)
    margins = stats.random_table(table.sum(axis=1), table.sum(axis=0))
    for start in range(0, n_permutations, at_a_time):
        n_tables = min(at_a_time, n_permutations - start)
        tables = (
            margins.rvs(n_tables, random_state=random) if permuted is None
            else np.stack([tabulate(rows, next(permuted), *table.shape) for _ in range(n_tables)])
        )
        n_as_large += int((pearson(tables) >= statistic * (1 - ROUNDING) - ROUNDING).sum())
    return (1 + n_as_large) / (n_permutations + 1)


def _permute_groups(
    labels: np.ndarray, members: np.ndarray, n_permutations: int, random: RandomState
) -> Iterator[np.ndarray]:
    """Yield labels of shape (n_images,) in which each group has those of another, repeated or cut to its size."""
    order, sizes = np.argsort(members, kind="stable"), np.bincount(members)
    starts = np.cumsum(sizes) - sizes
    place = np.empty(len(members), dtype=int)
    place[order] = np.arange(len(members)) - np.repeat(starts, sizes)  # of each image in its group
    for _ in range(n_permutations):
        other = random.permutation(len(sizes))[members]
        yield labels[order[starts[other] + place % sizes[other]]]
