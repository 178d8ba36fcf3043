"""Find what is wrong with a data set: duplicates, doubtful labels, unusable images, leaks from training to test."""

from .audit import Audit, audit
from .cleaning import LeftOut
from .label_issues import LabelIssues, find_label_issues

__all__ = ["Audit", "LabelIssues", "LeftOut", "audit", "find_label_issues"]
