"""Explanations for people: maps over photos, pages and files."""

from .document import explanation_document
from .files import EXPLANATION_FILES, ExplanationFiles
from .html import Entry, Unreadable, explanation_fragment, explanations_page, make_entry
from .overlay import blend, blended_png, overlay, overlay_png

__all__ = [
    "EXPLANATION_FILES", "Entry", "ExplanationFiles", "Unreadable", "blend", "blended_png", "explanation_document",
    "explanation_fragment", "explanations_page", "make_entry", "overlay", "overlay_png",
]
