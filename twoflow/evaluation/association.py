"""Whether one column of labels tells about another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Association:
    """The chi-square test of two columns.

    Attributes
    ----------
    first, second : str
        Their names.
    statistic, p_value : float
    degrees_of_freedom : int
    cramers_v : float
        0 where they have nothing to do with each other, 1 where one follows from the other.
    """

    first: str
    second: str
    statistic: float
    p_value: float
    degrees_of_freedom: int
    cramers_v: float


def associate(first: str, first_values: Any, second: str, second_values: Any) -> Association | None:
    """Test two columns of n labels for independence; None if one of them has a single value."""
    codes = [np.unique(np.asarray(values).astype(str), return_inverse=True)[1] for values in
             (first_values, second_values)]
    table = np.zeros([code.max() + 1 for code in codes], dtype=int)
    np.add.at(table, tuple(codes), 1)
    smaller = min(table.shape) - 1
    if not smaller:
        return None
    result = stats.chi2_contingency(table, correction=False)
    strength = float(np.sqrt(result.statistic / (table.sum() * smaller)))
    return Association(first, second, float(result.statistic), float(result.pvalue), int(result.dof), strength)
