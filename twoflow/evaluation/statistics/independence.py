"""Test whether two columns of labels depend on each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import RandomState
from scipy import stats
from sklearn.utils import check_random_state

from ...errors import InputError
from .validation import ROUNDING, categories, label_columns
from .wording import p

_SMALL, _TOLERABLE = 5, 0.2  # Cochran's rule: at most a fifth of the expected counts may be below 5


@dataclass(frozen=True)
class IndependenceResult:
    """Result of the chi-square test of independence.

    Attributes
    ----------
    test : str
        Name of the test.
    statistic : float
        Pearson's chi-square, without a continuity correction.
    p_value : float
        Upper tail of the chi-square distribution, or share of the permutations with at least this chi-square.
    degrees_of_freedom : int
        Degrees of freedom of the chi-square distribution.
    cramers_v : float
        Strength of the dependence, corrected for bias: 0 for none, 1 if one label determines the other. NaN if every
        label is its own category.
    n_images : int
        Number of images.
    n_categories : (int, int)
        Numbers of categories in the first and the second column.
    small_expected : float
        Share of the table's cells whose expected count is below 5. The chi-square distribution is reliable if it is at
        most one fifth (Cochran, Biometrics 10, 1954, https://doi.org/10.2307/3001616).
    n_groups : int or None
        Number of groups that were permuted as a whole; None without groups.
    n_permutations : int
        Number of random permutations that p is from; 0 if it is from the chi-square distribution.
    """

    test: str
    statistic: float
    p_value: float
    degrees_of_freedom: int
    cramers_v: float
    n_images: int
    n_categories: tuple[int, int]
    small_expected: float
    n_groups: int | None
    n_permutations: int

    def __str__(self) -> str:
        """Format the result as one sentence."""
        finding = "a significant dependence" if self.p_value < 0.05 else "no significant dependence"
        what = "images" if self.n_groups is None else "groups"
        how = f" ({self.n_permutations} permutations of {what})" if self.n_permutations else ""
        small = f"; {self.small_expected:.0%} of the expected counts are below {_SMALL}" if self.small_expected else ""
        grouped = "" if self.n_groups is None else f" in {self.n_groups} groups"
        return (
            f"{self.test}: {finding} between {self.n_categories[0]} and {self.n_categories[1]} categories of "
            f"{self.n_images} images{grouped}, Cramér's V {self.cramers_v:.3f}, chi2({self.degrees_of_freedom}) = "
            f"{self.statistic:.3f}, {p(self.p_value)}{how}{small}."
        )


def chi2_independence(
    first: Any,
    second: Any,
    groups: Any = None,
    *,
    n_permutations: int = 1_999,
    random_state: int | RandomState | None = 0,
) -> IndependenceResult:
    """Test two columns of labels, such as type and color, for independence (Pearson's chi-square).

    Labels that depend on each other are worth learning together. The p-value is from the chi-square distribution. If
    there are groups, or more than a fifth of the expected counts are below 5, it is from random permutations instead.

    Parameters
    ----------
    first, second : array-like of shape (n_images,)
        Labels, text or numbers.
    groups : array-like of shape (n_images,), optional
        Images with the same value are one group, such as photos of one product; their labels are permuted together.
        Default: each image is independent.
    n_permutations : int
        Number of permutations, if there are any. Default: 1,999. More of them make p more precise, and allow a smaller
        one: it is at least 1 / (n_permutations + 1).
    random_state : int, RandomState or None
        Seed of the permutations. Default: 0, so that equal labels give an equal p.

    Returns
    -------
    IndependenceResult

    Raises
    ------
    ValueError
        If the columns are not equally long 1-D sequences without missing values, one column of labels has only one
        category, or `n_permutations` is below 1.

    Notes
    -----
    The effect size is Cramér's V with a correction of its bias (Bergsma, Journal of the Korean Statistical Society 42,
    2013, https://doi.org/10.1016/j.jkss.2012.10.002). Without it, many small categories look dependent by chance alone.

    Permuting images keeps the number of images of each category (Patefield, Applied Statistics 30, 1981,
    https://doi.org/10.2307/2346669). To permute groups, each group gets the second labels of another one, repeated or
    cut to its own number of images. The p-value counts the observed table as one of the permutations (Phipson & Smyth,
    Statistical Applications in Genetics and Molecular Biology 9, 2010, https://doi.org/10.2202/1544-6115.1585).

    In our simulation of 40 products with one to nine photos, whose labels are independent, the permutation of groups
    finds a dependence in 4 % of cases, and the chi-square distribution in 98 %.

    Examples
    --------
    >>> result = chi2_independence(["boot"] * 30 + ["clog"] * 30, (["red"] * 20 + ["blue"] * 10) + ["red", "blue"] * 15)
    >>> round(result.statistic, 4), round(result.p_value, 4), round(result.cramers_v, 4)
    (1.7143, 0.1904, 0.1087)
    """
    if n_permutations < 1:
        raise InputError(f"n_permutations: expected an integer of at least 1, got {n_permutations}")
    given = label_columns(first=first, second=second, **({} if groups is None else {"groups": groups}))
    found = []
    for name, labels in zip(("first", "second"), given):
        values, positions = categories(name, labels)
        if len(values) < 2:
            raise InputError(f"{name}: expected at least two categories, got only {values[0]!s}")
        found.append((len(values), positions))
    (n_rows, rows), (n_columns, columns) = found
    members = categories("groups", given[2])[1] if groups is not None else None
    table = _tabulate(rows, columns, n_rows, n_columns)
    result = stats.chi2_contingency(table, correction=False)
    statistic, p_value = float(result.statistic), float(result.pvalue)
    small_expected = float((result.expected_freq < _SMALL).mean())
    is_permuted = members is not None or small_expected > _TOLERABLE
    if is_permuted:
        random = check_random_state(random_state)
        if members is None:
            margins = stats.random_table(table.sum(axis=1), table.sum(axis=0))
            tables = margins.rvs(n_permutations, random_state=random)
        else:
            tables = np.stack([
                _tabulate(rows, permuted, n_rows, n_columns)
                for permuted in _permute_groups(columns, members, n_permutations, random)
            ])
        as_large = _chi2(tables) >= statistic * (1 - ROUNDING) - ROUNDING
        p_value = float((1 + as_large.sum()) / (n_permutations + 1))
    return IndependenceResult(
        test="chi-square test of independence",
        statistic=statistic,
        p_value=p_value,
        degrees_of_freedom=(n_rows - 1) * (n_columns - 1),
        cramers_v=_cramers_v(statistic, len(rows), n_rows, n_columns),
        n_images=len(rows),
        n_categories=(n_rows, n_columns),
        small_expected=small_expected,
        n_groups=None if members is None else int(members.max()) + 1,
        n_permutations=n_permutations if is_permuted else 0,
    )


def _tabulate(rows: np.ndarray, columns: np.ndarray, n_rows: int, n_columns: int) -> np.ndarray:
    """Count each pair of categories, of shape (n_rows, n_columns)."""
    return np.bincount(rows * n_columns + columns, minlength=n_rows * n_columns).reshape(n_rows, n_columns)


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


def _chi2(tables: np.ndarray) -> np.ndarray:
    """Compute Pearson's chi-square of each table; tables have shape (n, n_rows, n_columns).

    A permutation of groups may leave a category without images; its cells count as 0.
    """
    rows, columns = tables.sum(axis=2, keepdims=True), tables.sum(axis=1, keepdims=True)
    expected = rows * columns / tables.sum(axis=(1, 2), keepdims=True)
    squares = np.divide((tables - expected) ** 2, expected, out=np.zeros(tables.shape), where=expected > 0)
    return squares.sum(axis=(1, 2))


def _cramers_v(chi2: float, n: int, n_rows: int, n_columns: int) -> float:
    """Compute Cramér's V after Bergsma (2013), which subtracts what chance adds.

    It subtracts it from phi², the mean square contingency, and from both numbers of categories.
    """
    squared = max(chi2 / n - (n_rows - 1) * (n_columns - 1) / (n - 1), 0.0)
    smaller = min(k - 1 - (k - 1) ** 2 / (n - 1) for k in (n_rows, n_columns))
    # If every label is its own category, `smaller` is 0 but for rounding.
    return math.sqrt(min(squared / smaller, 1.0)) if smaller > 1e-9 else math.nan
