"""Find what is wrong with a data set: duplicates, doubtful labels, unusable images, leaks from training to test."""

from .audit import Audit, audit
from .label_issues import LabelIssues, find_label_issues

__all__ = ["Audit", "LabelIssues", "audit", "find_label_issues"]
