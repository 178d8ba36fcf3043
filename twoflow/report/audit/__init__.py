"""An audit for people (text and HTML) and for programs (JSON and CSV)."""

from .document import leaks_document, passed_over_document
from .files import write_audit
from .text import format_audit

__all__ = ["format_audit", "leaks_document", "passed_over_document", "write_audit"]
