"""Comparing methods: folds, the comparison itself, its statistics, and duplicates that would spoil it."""

from .comparison import compare
from .datasets import DatasetsComparison, compare_datasets
from .duplicates import Duplicates, find_duplicates
from .leakage import Leaks, leaks
from .methods import DEFAULT_METHODS, EXTRA_METHODS, METHODS, NAME_FORMS, RECIPE_METHODS, fine_tunes
from .naming import make_methods
from .results import Comparison
from .statistics import PairedResult, chi2_independence, corrected_resampled_ttest, paired_ttest

__all__ = [
    "DEFAULT_METHODS",
    "EXTRA_METHODS",
    "METHODS",
    "NAME_FORMS",
    "RECIPE_METHODS",
    "Comparison",
    "DatasetsComparison",
    "Duplicates",
    "Leaks",
    "PairedResult",
    "chi2_independence",
    "compare",
    "compare_datasets",
    "corrected_resampled_ttest",
    "find_duplicates",
    "fine_tunes",
    "leaks",
    "make_methods",
    "paired_ttest",
]
