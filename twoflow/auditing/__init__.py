"""Find what is wrong with a data set: duplicates, doubtful labels, unusable images, leaks from training to test."""

from .audit import Audit, audit
from .cleaning import LeftOut
from .label_issues import LabelIssues, find_label_issues
from .label_next import LabelQueue, ToLabel, label_next

__all__ = [
    "Audit", "LabelIssues", "LabelQueue", "LeftOut", "ToLabel", "audit", "find_label_issues", "label_next",
]
