"""An explanation as plain data: for files of explanations, for pages, and for the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..plain import finite
from . import words
from .overlay import strongest

if TYPE_CHECKING:
    from ...explaining import Explanation, Reason
    from ...similarity.terms import Terms

_DIGITS = 6  # of a contribution: a map of 64 x 64 places stays below 50 kB


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """Convert an explanation to dicts, lists, text and numbers; a number that is not finite becomes None.

    Parameters
    ----------
    explanation : Explanation

    Returns
    -------
    dict
        "name" of the image, and "reasons", one for each target.
    """
    return {"name": explanation.image_name, "reasons": list(map(reason_document, explanation.reasons))}


def reason_document(reason: Reason) -> dict[str, Any]:
    """Convert the reason for one target; see `explanation_document`."""
    return {
        "target": reason.target,
        "label": _to_plain(reason.label),
        "confidence": finite(reason.confidence),
        "score": float(reason.score),
        "constant": float(reason.constant),
        "method": reason.method,
        "map": None if reason.map is None else {
            "strongest": strongest(reason.map),
            "contributions": [[float(f"{value:.{_DIGITS}g}") for value in row] for row in reason.map.tolist()],
        },
        "flows": [
            {"name": name, "share": float(share), "without_place": float(reason.unlocated.get(name, 0.0))}
            for name, share in reason.shares.items()
        ],
        "neighbors": None if reason.neighbors is None else _neighbors(reason.neighbors),
        "sentences": [each for each in (words.legend(reason), words.where(reason), words.amounts(reason)) if each],
    }


def _to_plain(label: Any) -> Any:
    """Convert a label to what JSON can hold: a number, a truth value or text; what is none of them becomes text."""
    if isinstance(label, np.generic):
        label = label.item()
    return label if isinstance(label, (bool, int, float, str)) else str(label)


def _neighbors(terms: Terms) -> dict[str, Any]:
    """Divide the nearest images by the sign of their terms; the strongest come first."""
    order = np.argsort(-np.abs(terms.terms), kind="stable").tolist()
    rows = [
        {
            "name": str(terms.names[i]), "position": int(terms.positions[i]), "label": _to_plain(terms.labels[i]),
            "term": float(terms.terms[i]), "similarity": finite(terms.similarities[i]),
        }
        for i in order
    ]
    return {
        "for": [row for row in rows if row["term"] > 0],
        "against": [row for row in rows if row["term"] < 0],
        "rest": float(terms.rest),
        "constant": float(terms.constant),
        "is_exact": bool(terms.is_exact),
    }
