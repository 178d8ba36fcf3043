"""Comparing methods honestly: folds, the comparison itself, its statistics, and what to know of the data before."""

from .audit import Audit, audit
from .comparison import Comparison, compare
from .duplicates import Duplicates, find_duplicates
from .label_issues import LabelIssues, find_label_issues
from .leaks import Leaks, leaks
from .rows import DEFAULT_ROWS, EXTRA_ROWS, ROWS, left_out_rows, make_rows
from .statistics import PairedResult, corrected_resampled_ttest, paired_ttest

__all__ = [
    "DEFAULT_ROWS",
    "EXTRA_ROWS",
    "ROWS",
    "Audit",
    "Comparison",
    "Duplicates",
    "LabelIssues",
    "Leaks",
    "PairedResult",
    "audit",
    "compare",
    "corrected_resampled_ttest",
    "find_duplicates",
    "find_label_issues",
    "leaks",
    "left_out_rows",
    "make_rows",
    "paired_ttest",
]
