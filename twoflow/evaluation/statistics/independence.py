"""Whether two columns of labels have anything to do with each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from ...errors import InputError
from .validation import categories, label_columns
from .wording import p


@dataclass(frozen=True)
class IndependenceResult:
    """What the chi-square test of independence found.

    Attributes
    ----------
    test : str
    statistic : float
        Pearson's chi-square, without a continuity correction.
    p_value : float
    degrees_of_freedom : int
    cramers_v : float
        How strong the dependence is, from 0, none, to 1, one label determines the other; corrected for the bias of
        chance. NaN if every label is a category of its own.
    n_images : int
    n_categories : (int, int)
        Of the first and of the second column.
    small_expected : float
        The share of cells of the table whose expected count is below 5; Cochran (Biometrics 10, 1954,
        https://doi.org/10.2307/3001616) trusts p while it is at most a fifth.
    """

    test: str
    statistic: float
    p_value: float
    degrees_of_freedom: int
    cramers_v: float
    n_images: int
    n_categories: tuple[int, int]
    small_expected: float

    def __str__(self) -> str:
        """The result as one sentence."""
        finding = "a dependence" if self.p_value < 0.05 else "no dependence that can be told from chance"
        caution = ""
        if self.small_expected > 0:
            caution = f"; {self.small_expected:.0%} of the expected counts are below 5"
            caution += ", too many to trust p" if self.small_expected > 0.2 else ""
        return (
            f"{self.test}: {finding} between {self.n_categories[0]} and {self.n_categories[1]} categories of "
            f"{self.n_images} images, Cramér's V {self.cramers_v:.3f}, chi2({self.degrees_of_freedom}) = "
            f"{self.statistic:.3f}, {p(self.p_value)}{caution}."
        )


def chi2_independence(first: Any, second: Any) -> IndependenceResult:
    """Pearson's chi-square test of independence between two columns of labels, such as type and color.

    Labels that depend on each other are worth learning together. The effect size is Cramér's V with the correction of
    its bias (Bergsma, Journal of the Korean Statistical Society 42, 2013,
    https://doi.org/10.1016/j.jkss.2012.10.002): without it many small categories look dependent by chance alone.
    Images are taken for independent: of several photos of one product, keep one.

    Parameters
    ----------
    first, second : array-like of shape (n_images,)
        Labels, text or numbers.

    Returns
    -------
    IndependenceResult

    Raises
    ------
    ValueError
        If the labels are not two equally long 1-D sequences without missing values, or one has only one category.

    Examples
    --------
    >>> result = chi2_independence(["boot"] * 30 + ["clog"] * 30, (["red"] * 20 + ["blue"] * 10) + ["red", "blue"] * 15)
    >>> round(result.statistic, 4), round(result.p_value, 4), round(result.cramers_v, 4)
    (1.7143, 0.1904, 0.1087)
    """
    found = []
    for name, labels in zip(("first", "second"), label_columns(first=first, second=second)):
        values, positions = categories(name, labels)
        if len(values) < 2:
            raise InputError(f"{name} has only one category, {values[0]!s}; independence needs two")
        found.append((len(values), positions))
    (n_rows, rows), (n_columns, columns) = found
    table = np.zeros((n_rows, n_columns), dtype=int)
    np.add.at(table, (rows, columns), 1)
    result = stats.chi2_contingency(table, correction=False)
    return IndependenceResult(
        test="chi-square test of independence",
        statistic=float(result.statistic),
        p_value=float(result.pvalue),
        degrees_of_freedom=(n_rows - 1) * (n_columns - 1),
        cramers_v=_cramers_v(float(result.statistic), len(rows), n_rows, n_columns),
        n_images=len(rows),
        n_categories=(n_rows, n_columns),
        small_expected=float((result.expected_freq < 5).mean()),
    )


def _cramers_v(chi2: float, n: int, n_rows: int, n_columns: int) -> float:
    """Bergsma (2013): what chance adds is taken off the mean square contingency and off both numbers."""
    squared = max(chi2 / n - (n_rows - 1) * (n_columns - 1) / (n - 1), 0.0)
    smaller = min(k - 1 - (k - 1) ** 2 / (n - 1) for k in (n_rows, n_columns))
    # Exactly zero in arithmetic where every label is a category of its own, but a rounding away from it here.
    return math.sqrt(min(squared / smaller, 1.0)) if smaller > 1e-9 else math.nan
