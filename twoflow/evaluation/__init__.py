"""Comparing methods honestly: folds, the comparison itself, its statistics, and what to know of the data before."""

from ..auditing import Audit, Duplicates, LabelIssues, Leaks, audit, find_duplicates, find_label_issues, leaks
from .comparison import compare
from .methods import DEFAULT_METHODS, EXTRA_METHODS, METHODS, RECIPE_METHODS, left_out_methods, make_methods
from .results import Comparison
from .statistics import PairedResult, chi2_independence, corrected_resampled_ttest, paired_ttest

__all__ = [
    "DEFAULT_METHODS",
    "EXTRA_METHODS",
    "RECIPE_METHODS",
    "METHODS",
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
    "left_out_methods",
    "make_methods",
    "paired_ttest",
]
