"""Test whether two columns of labels depend on each other."""

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
    """Result of the chi-square test of independence.

    Attributes
    ----------
    test : str
        Name of the test.
    statistic : float
        Pearson's chi-square, without a continuity correction.
    p_value : float
        Upper tail of the chi-square distribution.
    degrees_of_freedom : int
        Degrees of freedom of that distribution.
    cramers_v : float
        Strength of the dependence, corrected for bias: 0 for none, 1 if one label determines the other. NaN if every
        label is its own category.
    n_images : int
        Number of images.
    n_categories : (int, int)
        Numbers of categories in the first and the second column.
    small_expected : float
        Share of the table's cells whose expected count is below 5. The p-value is reliable if it is at most one fifth
        (Cochran, Biometrics 10, 1954, https://doi.org/10.2307/3001616).
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
        """Format the result as one sentence."""
        finding = "a significant dependence" if self.p_value < 0.05 else "no significant dependence"
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
    """Test two columns of labels, such as type and color, for independence (Pearson's chi-square).

    Labels that depend on each other are worth learning together. The test treats images as independent: keep one of
    several photos of the same product.

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

    Notes
    -----
    The effect size is Cramér's V with a correction of its bias (Bergsma, Journal of the Korean Statistical Society 42,
    2013, https://doi.org/10.1016/j.jkss.2012.10.002). Without it, many small categories look dependent by chance alone.

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
            raise InputError(f"{name}: expected at least two categories, got only {values[0]!s}")
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
    """Compute Cramér's V after Bergsma (2013), which subtracts what chance adds.

    It subtracts it from phi², the mean square contingency, and from both numbers of categories.
    """
    squared = max(chi2 / n - (n_rows - 1) * (n_columns - 1) / (n - 1), 0.0)
    smaller = min(k - 1 - (k - 1) ** 2 / (n - 1) for k in (n_rows, n_columns))
    # If every label is its own category, `smaller` is 0 but for rounding.
    return math.sqrt(min(squared / smaller, 1.0)) if smaller > 1e-9 else math.nan
