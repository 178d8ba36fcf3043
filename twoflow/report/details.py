"""The part of report.json about single predictions: classes, confusions, probabilities."""

from __future__ import annotations

from typing import Any

from ..evaluation import Comparison
from ..evaluation.metrics import FALSE_POSITIVE_RATES, Calibration, Roc
from ..evaluation.summary import ConfusedPair, Details
from .plain import finite, finite_list


def tested_document(comparison: Comparison) -> dict[str, Any]:
    """Count the predictions of all folds, and list the classes of the finest target that were not tested."""
    tested = comparison.tested.tolist()
    return {
        "n_predictions": len(tested),
        "n_images": len(set(tested)),
        "classes_not_tested": comparison.untested_classes,
    }


def details_document(details: Details) -> dict[str, Any]:
    """Convert the details of a method for one target; classes and images are named by their positions."""
    return {
        "pooled_accuracy": {
            "accuracy": details.accuracy.accuracy,
            "confidence_interval": [finite(end) for end in details.accuracy.confidence_interval],
            "confidence": details.accuracy.confidence,
            "n_groups": details.accuracy.n_groups,
        },
        "per_class": {
            **{name: finite_list(getattr(details.by_class, name)) for name in ("precision", "recall", "f1")},
            "support": details.by_class.support.tolist(),
        },
        "confusion": [[pair.true, _or_none(pair.predicted), pair.n] for pair in details.confusions],
        "confused": [_confused(pair) for pair in details.confused],
        "roc": _roc(details.roc),
        "calibration": _calibration(details.calibration),
    }


def _confused(pair: ConfusedPair) -> dict[str, Any]:
    return {
        "true": pair.confusion.true,
        "predicted": _or_none(pair.confusion.predicted),
        "count": pair.confusion.n,
        "share": pair.share,
        "images": [{"image": image, "probability": probability} for image, probability in pair.images],
    }


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
