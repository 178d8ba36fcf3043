"""Warn of forests that need gigabytes because they learn thousands of classes."""

from __future__ import annotations

import warnings
from typing import Any

#: How many nodes a tree has for each row, if each row has nearly a class of its own, and the bytes of a share there.
_NODES, _BYTES = 1.25, 8
#: From how many bytes on there is a warning: most machines have more, few have several times as much.
_LARGE = 4e9


class LargeForestWarning(UserWarning):
    """A forest of combinations of labels needs several gigabytes of memory."""


def warn_of_large_forests(estimator: Any, n_rows: int, n_combinations: int) -> None:
    """Warn if the trees of an estimator will be very large.

    Each node of a tree holds a share for each class in float64. With 3,000 rows of 1,567 combinations, a tree that is
    fully grown has 1.25 nodes for each row: 47 MB.

    Parameters
    ----------
    estimator : estimator
        It has trees if it, or a part of it, has a parameter `n_estimators`; the largest one counts.
    n_rows : int
        How many rows it is fitted on.
    n_combinations : int
        How many combinations of labels it learns as classes.

    Warns
    -----
    LargeForestWarning
        If the trees, fully grown, need more than 4 GB.
    """
    params = estimator.get_params() if hasattr(estimator, "get_params") else {}
    numbers = [value for name, value in params.items() if name.split("__")[-1] == "n_estimators"]
    n_trees = max((number for number in numbers if isinstance(number, int)), default=0)
    n_bytes = _NODES * n_rows * n_combinations * _BYTES * n_trees
    if n_bytes > _LARGE:
        warnings.warn(
            f"strategy='joint': {n_trees} trees that learn {n_combinations:,} combinations from {n_rows:,} rows need "
            f"up to {n_bytes / 1e9:.0f} GB; choose 'separate', 'chain' or 'shared', fewer trees, or another head "
            "such as kernel ridge",
            LargeForestWarning, stacklevel=2,
        )
