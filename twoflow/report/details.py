"""The part of report.json about single predictions: classes, confusions, probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..evaluation import Comparison
from ..evaluation.hierarchy.rejection import RiskCurve
from ..evaluation.joint_errors import JointErrors
from ..evaluation.probabilities import FALSE_POSITIVE_RATES, Calibration, Coverage, Roc
from ..evaluation.summary import ConfusedPair, Details
from .plain import finite, finite_list


def tested_document(comparison: Comparison) -> dict[str, Any]:
    """Count the predictions of all folds, and list the classes of the finest target that were not tested.

    "n_labeled" has the tested images that have a label, for each target, and "n_scored" those that have the labels
    which the tested score needs.
    """
    tested = comparison.tested.tolist()
    return {
        "n_predictions": len(tested),
        "n_images": len(set(tested)),
        "classes_not_tested": comparison.untested_classes,
        "n_labeled": [comparison.n_scored[name] for name in comparison.collection.target_names],
        "n_scored": comparison.n_scored[""],
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
            "recall_interval": [
                None if np.isnan(ends).any() else ends.tolist() for ends in details.by_class.recall_interval
            ],
        },
        "confusion": [[pair.true, _or_none(pair.predicted), pair.n] for pair in details.confusions],
        "confused": [_confused(pair) for pair in details.confused],
        "roc": _roc(details.roc),
        "calibration": _calibration(details.calibration),
        "log_loss": details.log_loss,
        "brier": details.brier,
        "coverage": _coverage(details.coverage),
    }


def _confused(pair: ConfusedPair) -> dict[str, Any]:
    return {
        "true": pair.confusion.true,
        "predicted": _or_none(pair.confusion.predicted),
        "count": pair.confusion.n,
        "share": pair.share,
        "images": [{"image": image, "probability": probability} for image, probability in pair.images],
        "right": dict(zip(("true", "predicted"), pair.right)),
    }


def _roc(roc: Roc | None) -> dict[str, Any] | None:
    if roc is None:
        return None
    return {
        "n_classes": roc.n_classes,
        "macro_auc": roc.macro_auc,
        "false_positive_rate": FALSE_POSITIVE_RATES.tolist(),
        "macro": roc.macro.tolist(),
    }


def _calibration(calibration: Calibration | None) -> dict[str, Any] | None:
    if calibration is None:
        return None
    return {
        "expected_error": calibration.expected_error,
        "floor": calibration.floor,
        "edges": calibration.edges.tolist(),
        "n": calibration.n.tolist(),
        "confidence": finite_list(calibration.confidence),
        "accuracy": finite_list(calibration.accuracy),
    }


def _coverage(coverage: Coverage | None) -> dict[str, Any] | None:
    if coverage is None:
        return None
    return {
        "coverage": coverage.coverage.tolist(), "accuracy": coverage.accuracy.tolist(), "area": coverage.area,
    }


def risk_document(curve: RiskCurve | None) -> dict[str, Any] | None:
    """Convert a risk-coverage curve; None if there is none."""
    if curve is None:
        return None
    return {"coverage": curve.coverage.tolist(), "risk": curve.risk.tolist(), "area": curve.area}


def joint_document(errors: JointErrors | None) -> dict[str, Any] | None:
    """Convert how the errors of several targets come together; None if there is only one target, or for levels."""
    if errors is None:
        return None
    return {
        "n": errors.n,
        "n_right": errors.n_right,
        "patterns": [{**each._asdict(), "wrong": list(each.wrong)} for each in errors.patterns],
        "other": {"n": errors.n_other, "share": errors.n_other / errors.n, "expected": errors.expected_other},
        "combinations": [
            {
                "true": list(map(str, each.true)), "answered": list(map(str, each.answered)), "n": each.n,
                "share": each.share,
            }
            for each in errors.combinations
        ],
    }


def _or_none(position: int) -> int | None:
    return position if position >= 0 else None
