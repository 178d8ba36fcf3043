"""What to know of pictures and labels before anything is learnt from them."""

from .audit import Audit, audit
from .duplicates import Duplicates, find_duplicates
from .label_issues import LabelIssues, find_label_issues
from .leakage import Leaks, leaks

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
