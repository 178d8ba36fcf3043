"""A comparison in a notebook."""

from __future__ import annotations

from ..evaluation import Comparison
from .displays import ComparisonDisplay
from .document import summarize
from .html import scores_values
from .page import render
from .svg import to_svg


def to_fragment(comparison: Comparison) -> str:
    """Render the answer, its table and the plot of the tested score, without the rest of a page.

    It fits light and dark notebooks: text and lines have the color of the notebook's text.
    """
    document = summarize(comparison)
    display = ComparisonDisplay.from_document(document)
    title = f"{display.label.capitalize()} of each method; the figures are in the table"
    return render("fragment.html", **scores_values(document), plot=to_svg(display, title))
