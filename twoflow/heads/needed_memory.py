"""How much memory the fit of a kernel ridge takes, so that it can be refused before hours of work."""

from __future__ import annotations

from typing import Any

from .._free_memory import free_memory
from ..errors import InputError

#: With more rows than so many times the features, the system of the features is solved. It takes as long as that of the
#: rows at about one and a half times (2,000 rows), and less memory from two on.
ROWS_PER_FEATURE = 2


def memory_of_products(n_rows: int, n_features: int) -> int:
    """Return the bytes that the smaller system takes at least, beside the features.

    It is the table of the products of all rows, or four tables of the products of all features; see
    `twoflow.heads.feature_kernel.FeatureKernel.solve`. Fewer rows or features never take more.
    """
    return 8 * min(n_rows, ROWS_PER_FEATURE * n_features)**2


def least_memory(estimator: Any, n_rows: int, n_features: int) -> int:
    """Return the bytes that an estimator's fit takes at least, by its method `least_memory`; 0 if it has none."""
    ask = getattr(estimator, "least_memory", None)
    return 0 if ask is None else ask(n_rows, n_features)


def check_memory(needed: int, n_rows: int, n_features: int) -> None:
    """Raise ValueError if a fit needs more bytes than are free.

    Parameters
    ----------
    needed : int
        Bytes.
    n_rows, n_features : int
        The training images, and the features of each; only for the message.
    """
    free = free_memory()
    if free is not None and needed > free:
        raise InputError(
            f"kernel ridge on {n_rows:,} images of {n_features:,} features takes at least {needed / 1e9:.1f} GB of "
            f"memory, and {free / 1e9:.1f} GB are free; take fewer features of each flow (n_channels), or fewer images "
            "of each class (max_per_class)"
        )
