"""Reports of comparisons and audits: text, HTML pages and plots for people, JSON and CSV for programs."""

from .atomic import check_output_folder
from .audit import AUDIT_FILES, QUEUE_FILES, format_audit, format_label_queue, write_audit, write_label_queue
from .datasets import DATASETS_FILES, format_datasets, write_datasets
from .displays import (
    ComparisonDisplay,
    ConfusionDisplay,
    CoverageDisplay,
    CriticalDifferenceDisplay,
    DifferencesDisplay,
    ExplanationDisplay,
    ImportancesDisplay,
    JointErrorsDisplay,
    LearningCurveDisplay,
    LevelsDisplay,
    ReliabilityDisplay,
    RiskDisplay,
    RocDisplay,
    TrainingDisplay,
)
from .document import to_document
from .files import REPORT_FILES, write_report
from .html import to_html
from .text import format_text

__all__ = [
    "AUDIT_FILES",
    "ComparisonDisplay",
    "ConfusionDisplay",
    "CoverageDisplay",
    "CriticalDifferenceDisplay",
    "DATASETS_FILES",
    "DifferencesDisplay",
    "ExplanationDisplay",
    "ImportancesDisplay",
    "JointErrorsDisplay",
    "LearningCurveDisplay",
    "LevelsDisplay",
    "QUEUE_FILES",
    "REPORT_FILES",
    "ReliabilityDisplay",
    "RiskDisplay",
    "RocDisplay",
    "TrainingDisplay",
    "check_output_folder",
    "format_audit",
    "format_datasets",
    "format_label_queue",
    "format_text",
    "to_document",
    "to_html",
    "write_audit",
    "write_datasets",
    "write_label_queue",
    "write_report",
]
