"""Conversions to plain data, and to the text of a JSON file, that all reports share."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..evaluation import Leaks
from ..images.passed_over import PassedOver


def to_json(document: dict[str, Any]) -> str:
    """Write the text of a JSON file; ValueError if a number is not finite, which JSON cannot hold."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def finite(value: float) -> float | None:
    """Convert a number for JSON; a number that is not finite becomes None."""
    return float(value) if math.isfinite(value) else None


def finite_list(values: np.ndarray) -> list[float | None]:
    """Convert an array of numbers for JSON; numbers that are not finite become None."""
    return [finite(value) for value in values]


def passed_over_document(passed_over: Iterable[PassedOver]) -> list[dict[str, Any]]:
    """Convert what was not read as images."""
    return [
        {"reason": each.reason, "n_paths": len(each.paths), "paths": list(each.paths)} for each in passed_over
    ]


def leaks_document(leaks: Leaks) -> dict[str, Any]:
    """Convert the duplicates of test images in training."""
    return {
        "pairs": leaks.n_pairs, "images": leaks.n_images, "by_fold": leaks.by_fold.tolist(),
        "same_photo": leaks.n_same_photo,
    }
