"""Comparing methods honestly: folds, the comparison itself, and its statistics."""

from .comparison import Comparison, compare
from .rows import ROWS, make_rows
from .statistics import PairedResult, corrected_resampled_ttest, paired_ttest

__all__ = [
    "ROWS",
    "Comparison",
    "PairedResult",
    "compare",
    "corrected_resampled_ttest",
    "make_rows",
    "paired_ttest",
]
