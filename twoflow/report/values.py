"""Figures as text, each with its place in report.json."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

MISSING = "–"


def p_value(p: float) -> str:
    """Write a p-value with three decimals; one that would be 0.000 as a limit."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


#: How to write a figure, by the name of its format.
FORMATS: Mapping[str, Callable[[Any], str]] = {
    "count": lambda value: f"{value:,.0f}",
    "least": lambda values: f"{min(values):,}",
    "most": lambda values: f"{max(values):,}",
    "score": lambda value: f"{value:.3f}",
    "signed": lambda value: f"{value:+z.3f}",
    "opposite": lambda value: f"{-value:+z.3f}",  # of a difference the other way round
    "p": p_value,
    "share": lambda value: f"{value:.1%}",
    "whole-share": lambda value: f"{value:.0%}",
    "seconds": lambda value: f"{value:,.2f}" if value < 10 else f"{value:,.0f}",
    "megabytes": lambda value: f"{value / 1e6:,.0f}",
    "edge": lambda value: f"{value:g}",
    "tenth": lambda value: f"{value:,.1f}",
    "rank": lambda value: f"{value:.2f}",
    "rate": lambda value: f"{value:.4f}",
    "text": str,
}


class Values:
    """The figures of a document, written as HTML.

    Each figure is a ``data`` element that names its place as a JSON pointer (RFC 6901), so that a reader, or a test,
    can look it up.

    Parameters
    ----------
    document : mapping
        The content of a report.json.

    Examples
    --------
    >>> value = Values({"methods": [{"accuracy": 0.8125}]})
    >>> print(value("/methods/0/accuracy", "score"))
    <data value="0.8125" data-path="/methods/0/accuracy" data-format="score">0.812</data>
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def __call__(self, path: str, kind: str) -> Markup:
        """Write the figure at a place, in one of the `FORMATS`."""
        value = look_up(self.document, path)
        text = MISSING if value is None else FORMATS[kind](value)
        number = json.dumps(value) if isinstance(value, (int, float)) else text
        return Markup('<data value="{}" data-path="{}" data-format="{}">{}</data>').format(number, path, kind, text)


def look_up(document: Any, path: str) -> Any:
    """Return the value that a JSON pointer points to."""
    for step in path.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def to_step(key: str) -> str:
    """Write a key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")
