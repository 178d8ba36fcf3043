"""A comparison, or an audit, for people (text, HTML) and for programs (JSON and CSV)."""

from .audit_files import write_audit
from .audit_text import format_audit
from .document import to_document
from .files import check_output_folder, write_report
from .text import format_text

__all__ = ["check_output_folder", "format_audit", "format_text", "to_document", "write_audit", "write_report"]
