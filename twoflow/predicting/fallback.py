"""Answer with a class, a broader class, or "unknown", by the probabilities."""

from __future__ import annotations

import numpy as np

from ..models.model_file import TargetCard
from .answers import UNKNOWN, Answer


def fall_back(probabilities: np.ndarray, target: TargetCard, threshold: float | None, top: int) -> Answer:
    """Answer with the likeliest class, or "unknown" if its probability is below the threshold."""
    likeliest = np.argsort(-probabilities, kind="stable")[:top]
    pairs = tuple((target.classes[i], float(probabilities[i])) for i in likeliest)
    label, confidence = pairs[0]
    if threshold is None or confidence >= threshold:
        return Answer(target.name, label, target.name, confidence, "", pairs)
    reason = f"no class reaches {threshold:.2f}: the likeliest, {label}, has {confidence:.2f}"
    return Answer(target.name, UNKNOWN, "", confidence, reason, pairs)
