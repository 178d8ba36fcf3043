"""Reports of audits: text and HTML for people, JSON and CSV for programs."""

from .files import AUDIT_FILES, write_audit
from .label_queue import QUEUE_FILES, format_label_queue, write_label_queue
from .text import format_audit

__all__ = [
    "AUDIT_FILES", "QUEUE_FILES", "format_audit", "format_label_queue", "write_audit", "write_label_queue",
]
