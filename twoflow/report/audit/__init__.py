"""An audit for people (text and HTML) and for programs (JSON and CSV)."""

from .files import write_audit
from .text import format_audit

__all__ = ["format_audit", "write_audit"]
