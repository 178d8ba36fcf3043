"""Test whether one method is better than another, and estimate the uncertainty of an accuracy."""

from .bootstrap import AccuracyInterval, bootstrap_accuracy_interval
from .equivalence import EquivalenceResult, probability_of_equivalence
from .five_by_two import FiveByTwoResult, five_by_two_cv_ftest, five_by_two_cv_ttest
from .independence import IndependenceResult, chi2_independence
from .mcnemar import McNemarResult, mcnemar_test
from .multiple import Difference, all_pairs, compare_pairs, holm
from .paired import PairedResult, corrected_resampled_ttest, paired_ttest
from .power import PowerResult, corrected_power, split_power
from .result import PairResult
from .sign_flip import SignFlipResult, sign_flip_test
from .wilson import wilson_interval

__all__ = [
    "AccuracyInterval",
    "Difference",
    "EquivalenceResult",
    "FiveByTwoResult",
    "IndependenceResult",
    "McNemarResult",
    "PairResult",
    "PairedResult",
    "PowerResult",
    "SignFlipResult",
    "all_pairs",
    "bootstrap_accuracy_interval",
    "chi2_independence",
    "compare_pairs",
    "corrected_power",
    "corrected_resampled_ttest",
    "five_by_two_cv_ftest",
    "five_by_two_cv_ttest",
    "holm",
    "mcnemar_test",
    "paired_ttest",
    "probability_of_equivalence",
    "sign_flip_test",
    "split_power",
    "wilson_interval",
]
