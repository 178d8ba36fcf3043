"""What is wrong with a data set: duplicates, doubtful labels, images of no use, leaks between training and test."""

from .audit import Audit, audit
from .label_issues import LabelIssues, find_label_issues

__all__ = ["Audit", "LabelIssues", "audit", "find_label_issues"]
