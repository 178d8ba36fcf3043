"""Comparing methods honestly: folds, the comparison itself, and its statistics."""

from .comparison import compare
from .results import Comparison
from .rows import DEFAULT_ROWS, EXTRA_ROWS, ROWS, left_out_rows, make_rows
from .statistics import PairedResult, chi2_independence, corrected_resampled_ttest, paired_ttest

__all__ = [
    "DEFAULT_ROWS",
    "EXTRA_ROWS",
    "ROWS",
    "Comparison",
    "PairedResult",
    "chi2_independence",
    "compare",
    "corrected_resampled_ttest",
    "left_out_rows",
    "make_rows",
    "paired_ttest",
]
