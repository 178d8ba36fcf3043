"""Comparing methods honestly: folds, the comparison itself, its statistics, and what to know of the data before."""

from .auditing import Audit, Duplicates, LabelIssues, Leaks, audit, find_duplicates, find_label_issues, leaks
from .comparison import compare
from .results import Comparison
from .rows import DEFAULT_ROWS, EXTRA_ROWS, RECIPE_ROWS, ROWS, left_out_rows, make_rows
from .statistics import PairedResult, chi2_independence, corrected_resampled_ttest, paired_ttest

__all__ = [
    "DEFAULT_ROWS",
    "EXTRA_ROWS",
    "RECIPE_ROWS",
    "ROWS",
    "Audit",
    "Comparison",
    "Duplicates",
    "LabelIssues",
    "Leaks",
    "PairedResult",
    "audit",
    "chi2_independence",
    "compare",
    "corrected_resampled_ttest",
    "find_duplicates",
    "find_label_issues",
    "leaks",
    "left_out_rows",
    "make_rows",
    "paired_ttest",
]
