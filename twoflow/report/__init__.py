"""A comparison for people (text) and for programs (JSON and CSV)."""

from .document import to_document
from .files import check_output_folder, write_report
from .text import format_text

__all__ = ["check_output_folder", "format_text", "to_document", "write_report"]
