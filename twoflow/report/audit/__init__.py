"""Reports of audits: text and HTML for people, JSON and CSV for programs."""

from .files import AUDIT_FILES, write_audit
from .text import format_audit

__all__ = ["AUDIT_FILES", "format_audit", "write_audit"]
