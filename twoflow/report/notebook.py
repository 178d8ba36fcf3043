"""A comparison where a notebook shows the value of a cell."""

from __future__ import annotations

from ..evaluation import Comparison
from .displays import ComparisonDisplay
from .document import summarize
from .html import scores_values
from .page import render
from .svg import to_svg


def to_fragment(comparison: Comparison) -> str:
    """The table of scores and the plot of accuracies, without the rest of a page."""
    document = summarize(comparison)
    plot = to_svg(ComparisonDisplay.from_document(document), "Accuracy of each method; the figures are in the table")
    return render("scores_table.html", **scores_values(document)) + str(plot)
