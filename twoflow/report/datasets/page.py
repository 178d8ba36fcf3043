"""A comparison over several data sets as one HTML page, from the content of datasets.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...evaluation.datasets import DatasetsComparison
from ..displays import CriticalDifferenceDisplay
from ..page import render
from ..svg import to_svg
from ..values import Values
from .document import datasets_document


def to_page(document: Mapping[str, Any]) -> str:
    """Render the page; its figures are those of the document."""
    return render("datasets.html", **_values(document, "plot-1"))


def datasets_fragment(comparison: DatasetsComparison) -> str:
    """Render the answer, the plot and the table of scores for a notebook, without the rest of the page."""
    return render("datasets_answer.html", **_values(datasets_document(comparison)))


def _values(document: Mapping[str, Any], prefix: str | None = None) -> dict[str, Any]:
    display = CriticalDifferenceDisplay.from_document(document)
    return {
        "document": document,
        "value": Values(document),
        "plot": to_svg(display, "Mean rank of each method; the figures are in the table of scores", prefix),
    }
