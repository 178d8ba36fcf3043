"""The part of report.json that is about the predictions themselves: classes, confusions, probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..evaluation import Comparison
from ..evaluation.metrics import (
    FALSE_POSITIVE_RATES,
    Calibration,
    Confusion,
    Pooled,
    Roc,
    average_roc,
    calibrate,
    count_confusions,
    find_confused,
    pool,
    score_classes,
)
from ..evaluation.results import MethodScores
from ..evaluation.statistics import bootstrap_accuracy_interval

_PAIRS, _IMAGES = 10, 3  # confused pairs of a method that are listed with images, and how many of each


def describe_tested(comparison: Comparison) -> dict[str, Any]:
    """What the figures of all folds together are of."""
    tested = comparison.tested
    is_tested = np.isin(comparison.collection.classes, comparison.collection.labels[tested])
    return {
        "n_predictions": len(tested),
        "n_images": len(np.unique(tested)),
        "classes_not_tested": np.flatnonzero(~is_tested).tolist(),
    }


def describe_predictions(comparison: Comparison, method: MethodScores) -> dict[str, Any]:
    """The keys of a method that are computed from its predictions; classes and images are named by their positions."""
    pooled = pool(comparison, method)
    by_class, confusions = score_classes(pooled), count_confusions(pooled)
    return {
        "pooled_accuracy": _pooled_accuracy(comparison, method),
        "per_class": {
            **{name: finite_list(getattr(by_class, name)) for name in ("precision", "recall", "f1")},
            "support": by_class.support.tolist(),
        },
        "confusion": [[pair.true, _or_none(pair.predicted), pair.n] for pair in confusions],
        "confused": _confused(pooled, confusions, by_class.support),
        "roc": _roc(average_roc(pooled)),
        "calibration": _calibration(calibrate(pooled)),
    }


def _pooled_accuracy(comparison: Comparison, method: MethodScores) -> dict[str, Any]:
    """Of all predictions together; an image that is tested twice is no second image."""
    collection, tested = comparison.collection, comparison.tested
    groups = tested if collection.groups is None else collection.groups[tested]
    found = bootstrap_accuracy_interval(
        collection.labels[tested], np.concatenate(method.predicted), groups, random_state=0
    )
    return {
        "accuracy": found.accuracy,
        "confidence_interval": [finite(end) for end in found.confidence_interval],
        "confidence": found.confidence,
        "n_groups": found.n_groups,
    }


def finite(value: float) -> float | None:
    """The number for JSON, which has none that is not finite."""
    return float(value) if math.isfinite(value) else None


def finite_list(values: np.ndarray) -> list[float | None]:
    """The same for each of them."""
    return [finite(value) for value in values]


def _confused(pooled: Pooled, confusions: Sequence[Confusion], support: np.ndarray) -> list[dict[str, Any]]:
    wrong = sorted((pair for pair in confusions if pair.true != pair.predicted), key=lambda pair: -pair.n)
    return [
        {
            "true": pair.true,
            "predicted": _or_none(pair.predicted),
            "count": pair.n,
            "share": pair.n / int(support[pair.true]),
            "images": [
                {"image": image, "probability": probability}
                for image, probability in find_confused(pooled, pair, _IMAGES)
            ],
        }
        for pair in wrong[:_PAIRS]
    ]


def _roc(roc: Roc | None) -> dict[str, Any] | None:
    if roc is None:
        return None
    return {
        "n_classes": roc.n_classes,
        "macro_auc": roc.macro_auc,
        "micro_auc": roc.micro_auc,
        "false_positive_rate": FALSE_POSITIVE_RATES.tolist(),
        "macro": roc.macro.tolist(),
        "micro": roc.micro.tolist(),
    }


def _calibration(calibration: Calibration | None) -> dict[str, Any] | None:
    if calibration is None:
        return None
    return {
        "expected_error": calibration.expected_error,
        "edges": calibration.edges.tolist(),
        "n": calibration.n.tolist(),
        "confidence": finite_list(calibration.confidence),
        "accuracy": finite_list(calibration.accuracy),
    }


def _or_none(position: int) -> int | None:
    return position if position >= 0 else None
