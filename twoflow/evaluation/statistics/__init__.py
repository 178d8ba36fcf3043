"""Statistics that say whether one method is better than another, and how sure one can be of an accuracy."""

from .multiple import Difference, all_pairs, compare_pairs, holm
from .paired import PairedResult, corrected_resampled_ttest, paired_ttest

__all__ = [
    "Difference",
    "PairedResult",
    "all_pairs",
    "compare_pairs",
    "corrected_resampled_ttest",
    "holm",
    "paired_ttest",
]
