"""A comparison as the plain data of report.json, schema 2: keys are added, never renamed."""

from __future__ import annotations

import os
import platform
from functools import partial
from importlib.metadata import version
from itertools import combinations
from typing import Any

import numpy as np

from ..evaluation import Comparison
from ..evaluation.results import Choice, LearningCurve, MethodScores
from ..evaluation.saved_folds import folds_to_json
from ..evaluation.statistics import Difference, compare_pairs, corrected_resampled_ttest, probability_of_equivalence
from ..images.reading import describe
from .audit import leaks_document, passed_over_document
from .details import describe_predictions, describe_tested, finite

_PACKAGES = ("twoflow", "numpy", "scipy", "scikit-learn", "pillow", "joblib", "onnx", "onnxruntime")


def to_document(comparison: Comparison, command: str | None = None) -> dict[str, Any]:
    """The comparison as dicts, lists, text and numbers; a number that is not finite becomes None.

    Parameters
    ----------
    comparison : Comparison
    command : str, optional
        The line that made it, if a command did.
    """
    document = summarize(comparison)
    for entry, method in zip(document["methods"], comparison.methods):
        entry |= describe_predictions(comparison, method)
    return document | {"tested": describe_tested(comparison), "command": command}


def summarize(comparison: Comparison) -> dict[str, Any]:
    """The document without what takes a look at every prediction: ready at once, with any number of images."""
    collection, folds = comparison.collection, comparison.folds
    classes, counts = np.unique(collection.labels, return_counts=True)
    return {
        "schema": 2,
        "dataset": {
            "n_images": len(collection),
            "n_classes": len(classes),
            "classes": [{"name": str(name), "n_images": int(count)} for name, count in zip(classes, counts)],
            "groups": None if collection.groups is None else len(np.unique(collection.groups)),
            "small_classes": [
                {"name": str(name), "n_images": count} for name, count in collection.small_classes.items()
            ],
            "unreadable": [{"path": error.name, "reason": error.reason} for error in collection.unreadable],
            "passed_over": passed_over_document(collection.passed_over),
            "lookalikes": [[str(name) for name in group] for group in collection.lookalikes],
            "notes": list(collection.notes),
            "color_profiles": {
                "converted": comparison.n_converted,
                "damaged": [describe(collection.images[position]) for position in comparison.damaged_profiles],
            },
        },
        "folds": {
            "kind": folds.kind,
            "n_splits": folds.n_splits,
            "repeats": folds.repeats,
            "seed": folds.seed,
            "train_sizes": [len(fold.train) for fold in folds],
            "test_sizes": [len(fold.test) for fold in folds],
            **folds_to_json(folds, collection),
        },
        "leaks": None if comparison.leaks is None else leaks_document(comparison.leaks),
        "methods": [_method(method, comparison) for method in comparison.methods],
        "left_out": [{"name": name, "reason": reason} for name, reason in comparison.left_out.items()],
        "comparisons": [_difference(difference) for difference in comparison.differences],
        "pairwise": _every_pair(comparison),
        "learning_curve": _learning_curve(comparison.learning_curve),
        "environment": {
            "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
            "cpu_count": os.cpu_count(),
            "seconds": comparison.seconds,
            "extraction_seconds": comparison.extraction_seconds,
            "n_computed": comparison.n_computed,
            "images_per_second": comparison.n_computed / comparison.extraction_seconds,
            "peak_memory_bytes": comparison.peak_memory,
        },
    }


def _method(method: MethodScores, comparison: Comparison) -> dict[str, Any]:
    # Nadeau and Bengio's variance is of any mean over folds; that of the accuracy itself is its difference to nothing.
    result = corrected_resampled_ttest(method.accuracy, np.zeros(len(method.accuracy)), *_sizes(comparison))
    interval = [finite(end) for end in result.confidence_interval]
    return {
        "name": method.name,
        "n_features": method.n_features,
        "accuracy": {**_summary(method.accuracy), "confidence_interval": interval, "confidence": result.confidence},
        "macro_f1": _summary(method.macro_f1),
        "fit_seconds": method.fit_seconds,
        "predict_seconds": method.predict_seconds,
        "importances": None if method.importances is None else dict(method.importances),
        **({} if method.train_accuracy is None else {"train_accuracy": _summary(method.train_accuracy)}),
        **({} if method.choices is None else {"choices": [_choice(choice) for choice in method.choices]}),
    }


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        "chosen": choice.chosen,
        "candidates": [{"name": name, "accuracy": accuracy} for name, accuracy in choice.accuracy.items()],
    }


def _summary(scores: np.ndarray) -> dict[str, Any]:
    return {
        "mean": float(scores.mean()),
        "std": float(scores.std(ddof=1)) if len(scores) > 1 else None,
        "folds": scores.tolist(),
    }


def _every_pair(comparison: Comparison) -> list[dict[str, Any]]:
    """Every method against every later one, with Holm's adjustment for all pairs, and how probably they are equal."""
    scores = {method.name: method.accuracy for method in comparison.methods}
    n_train, n_test = _sizes(comparison)
    test = partial(corrected_resampled_ttest, n_train=n_train, n_test=n_test)
    differences = compare_pairs(scores, combinations(scores, 2), test)
    entries = []
    for each in differences:
        found = probability_of_equivalence(scores[each.first], scores[each.second], n_train, n_test)
        equivalence = {name: finite(getattr(found, name)) for name in ("margin", "worse", "equivalent", "better")}
        entries.append({**_difference(each), "equivalence": equivalence})
    return entries


def _sizes(comparison: Comparison) -> tuple[list[int], list[int]]:
    """Images trained and tested on, in each fold."""
    return [len(fold.train) for fold in comparison.folds], [len(fold.test) for fold in comparison.folds]


def _difference(difference: Difference) -> dict[str, Any]:
    result = difference.result
    return {
        "first": difference.first,
        "second": difference.second,
        "test": result.test,
        "statistic": finite(result.statistic),
        "p_value": finite(result.p_value),
        "p_holm": finite(difference.p_holm),
        "degrees_of_freedom": result.degrees_of_freedom,
        "mean_difference": result.mean_difference,
        "confidence_interval": [finite(end) for end in result.confidence_interval],
        "confidence": result.confidence,
        "effect_size": finite(result.effect_size),
        "n_differences": result.n_differences,
        "correction": result.correction,
        "sentence": str(result),
    }


def _learning_curve(curve: LearningCurve | None) -> dict[str, Any] | None:
    if curve is None:
        return None
    return {
        "shares": list(curve.shares),
        "n_train": curve.n_train.tolist(),
        "mean_n_train": curve.n_train.mean(axis=1).tolist(),
        "methods": [
            {"name": name, "accuracy": [_summary(scores) for scores in by_share]}
            for name, by_share in curve.accuracy.items()
        ],
    }
