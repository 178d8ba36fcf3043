"""What to know of images and labels before anything is learned from them."""

from ..evaluation.duplicates import Duplicates, find_duplicates
from ..evaluation.leakage import Leaks, leaks
from .audit import Audit, audit
from .label_issues import LabelIssues, find_label_issues

__all__ = [
    "Audit",
    "Duplicates",
    "LabelIssues",
    "Leaks",
    "audit",
    "find_duplicates",
    "find_label_issues",
    "leaks",
]
