"""Reports of audits: text and HTML for people, JSON and CSV for programs."""

from .files import write_audit
from .text import format_audit

__all__ = ["format_audit", "write_audit"]
