"""Reports of comparisons and audits: text, HTML pages and plots for people, JSON and CSV for programs."""

from .atomic import check_output_folder
from .audit import AUDIT_FILES, format_audit, write_audit
from .displays import (
    ComparisonDisplay,
    ConfusionDisplay,
    CoverageDisplay,
    DifferencesDisplay,
    ImportancesDisplay,
    LearningCurveDisplay,
    ReliabilityDisplay,
    RocDisplay,
)
from .document import to_document
from .files import REPORT_FILES, write_report
from .html import to_html
from .text import format_text

__all__ = [
    "AUDIT_FILES",
    "REPORT_FILES",
    "ComparisonDisplay",
    "ConfusionDisplay",
    "CoverageDisplay",
    "DifferencesDisplay",
    "ImportancesDisplay",
    "LearningCurveDisplay",
    "ReliabilityDisplay",
    "RocDisplay",
    "check_output_folder",
    "format_audit",
    "format_text",
    "to_document",
    "to_html",
    "write_audit",
    "write_report",
]
