"""A comparison as the plain data of report.json, schema 2: keys are added, never renamed."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from ..evaluation import Comparison
from ..evaluation.answer import Answer
from ..evaluation.explained_errors import ExplainedError
from ..evaluation.method_scores import Choice, LearningCurve, MethodScores
from ..evaluation.saved_folds import folds_to_json
from ..evaluation.statistics import Difference
from ..evaluation.summary import Interval, Pair, spread
from ..evaluation.training_history import TrainingHistory
from ..heads.hierarchy import ClassTree
from ..images import ImageCollection
from ..images.reading import describe
from .details import details_document, joint_document, risk_document, tested_document
from .explanations.document import reason_document
from .plain import finite, finite_list, leaks_document, passed_over_document

_PACKAGES = ("twoflow", "numpy", "scipy", "scikit-learn", "pillow", "joblib", "onnx", "onnxruntime")


def to_document(comparison: Comparison, command: str | None = None) -> dict[str, Any]:
    """Convert a comparison to dicts, lists, text and numbers; a number that is not finite becomes None.

    Parameters
    ----------
    comparison : Comparison
    command : str, optional
        The command line of the comparison. By default there is none.

    Returns
    -------
    dict
        A method has its details at the keys "per_class", "confusion" and so on. With several targets these are of the
        finest target, and the details of each other target are at "other_targets".
    """
    document = summarize(comparison)
    document["folds"] |= folds_to_json(comparison.folds, comparison.collection)
    finest = comparison.collection.finest
    for entry in document["methods"]:
        entry["level_accuracies"] = list(comparison.level_accuracies[entry["name"]].values())
        entry["joint_errors"] = joint_document(comparison.joint_errors.get(entry["name"]))
        entry["risk_coverage"] = risk_document(comparison.risk_curves.get(entry["name"]))
        others = dict(comparison.details[entry["name"]])
        entry |= details_document(others.pop(finest))
        if others:
            entry["other_targets"] = {target: details_document(details) for target, details in others.items()}
    document["dataset"]["class_order"] = comparison.class_order
    return document | {
        "tested": tested_document(comparison),
        "explained_errors": [_explained(error) for error in comparison.explained],
        "command": command,
    }


def _explained(error: ExplainedError) -> dict[str, Any]:
    """Convert an explained error; the page draws its map, which is not part of the document."""
    reason = None if error.explanation is None else reason_document(error.explanation.reasons[0])
    if reason is not None and reason["map"] is not None:
        del reason["map"]["contributions"]
    return {
        "image": error.image, "fold": error.fold, "true": str(error.true), "predicted": str(error.predicted),
        "confidence": error.confidence, "reason": reason, "problem": error.problem,
    }


def summarize(comparison: Comparison) -> dict[str, Any]:
    """Convert what takes no look at single images or predictions: fast for any number of images."""
    collection, folds = comparison.collection, comparison.folds
    return {
        "schema": 2,
        "dataset": _dataset(collection) | {
            "hierarchy": _hierarchy(comparison.tree, collection),
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
            "train_sizes": folds.sizes.n_train,
            "test_sizes": folds.sizes.n_test,
        },
        "leaks": None if comparison.leaks is None else leaks_document(comparison.leaks),
        "scores": [
            {
                "name": name, "label": each.score.label, "target": each.target,
                "greater_is_better": each.score.greater_is_better, "of_levels": each.score.levels is not None,
                "link": each.score.link,
            }
            for name, each in comparison.scores.items()
        ],
        "tested_score": comparison.tested_score,
        "best": comparison.order[0],
        "order": comparison.order,
        "answer": _answer(comparison.answer),
        "methods": [_method(method, comparison) for method in comparison.methods],
        "left_out": [{"name": name, "reason": reason} for name, reason in comparison.left_out.items()],
        "comparisons": [_difference(difference) for difference in comparison.differences],
        "pairwise": [_pair(pair) for pair in comparison.pairwise],
        "power": _power(comparison),
        "learning_curve": _learning_curve(comparison.learning_curve),
        "networks": [record.document() for record in comparison.networks],
        "environment": {
            "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
            "cpu_count": os.cpu_count(),
            "seconds": comparison.seconds,
            "extraction_seconds": comparison.extraction_seconds,
            "n_computed": comparison.n_computed,
            "n_folds_kept": comparison.n_kept,
            "images_per_second": comparison.n_computed / comparison.extraction_seconds,
            "peak_memory_bytes": comparison.peak_memory,
        },
    }


def _dataset(collection: ImageCollection) -> dict[str, Any]:
    targets = [
        {"name": name, "n_classes": len(classes), "classes": _classes(collection.target(name), classes)}
        for name, classes in collection.classes_by_target.items()
    ]
    finest = next(target for target in targets if target["name"] == collection.finest)
    return {
        "n_images": len(collection),
        "n_classes": finest["n_classes"],
        "classes": finest["classes"],
        "targets": targets,
        "finest": collection.finest,
        "levels": [
            {"name": name, "n_classes": len(set(level.values()))} for name, level in collection.levels.items()
        ],
        "groups": None if collection.groups is None else len(set(collection.groups.tolist())),
        "small_classes": [{"name": str(name), "n_images": count} for name, count in collection.small_classes.items()],
        "unreadable": [{"path": error.name, "reason": error.reason} for error in collection.unreadable],
        "passed_over": passed_over_document(collection.passed_over),
        "lookalikes": [[str(name) for name in group] for group in collection.lookalikes],
        "notes": list(collection.notes),
    }


def _classes(labels: np.ndarray, classes: np.ndarray) -> list[dict[str, Any]]:
    counts = Counter(labels.tolist())
    return [{"name": str(name), "n_images": counts[name]} for name in classes.tolist()]


def _hierarchy(tree: ClassTree | None, collection: ImageCollection) -> dict[str, Any] | None:
    """Convert the tree of levels; None if the targets are no levels."""
    if tree is None:
        return None
    nodes = zip(tree.nodes, tree.counts or [0] * len(tree.nodes), tree.is_leaf)
    return {
        "levels": [{"name": name, "n_classes": number} for name, number in collection.n_classes_by_target.items()],
        "nodes": [
            {"path": list(map(str, path)), "n_images": n, "is_leaf": bool(is_leaf)}
            for path, n, is_leaf in sorted(nodes, key=lambda node: list(map(str, node[0])))
        ],
        "n_leaves": len(tree.leaves),
    }


def _method(method: MethodScores, comparison: Comparison) -> dict[str, Any]:
    before = comparison.full_intervals.get(method.name)
    return {
        "name": method.name,
        "n_features": method.n_features,
        "scores": _scores(method.scores, method.means, comparison.intervals[method.name]),
        "before_fallback": (
            _scores(method.full_scores or {}, method.full_means or {}, before)
            if before is not None and method.falls_back else None
        ),
        "fit_seconds": method.fit_seconds,
        "predict_seconds": method.predict_seconds,
        "importances": None if method.importances is None else dict(method.importances),
        "train_accuracy": _spread(method.train_accuracy, float(method.train_accuracy.mean())),
        **({} if method.choices is None else {"choices": [_choice(choice) for choice in method.choices]}),
        **({} if method.trainings is None else {"training": _trainings(method.trainings)}),
    }


def _scores(
    scores: Mapping[str, np.ndarray], means: Mapping[str, float], intervals: Mapping[str, Interval]
) -> dict[str, Any]:
    return {
        name: {
            **_spread(own, means[name]),
            "confidence_interval": [finite(end) for end in intervals[name].ends],
            "confidence": intervals[name].confidence,
            "interval_kind": intervals[name].kind,
        }
        for name, own in scores.items()
    }


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        "chosen": choice.chosen,
        "candidates": [{"name": name, "accuracy": accuracy} for name, accuracy in choice.accuracy.items()],
    }


def _trainings(trainings: Sequence[Sequence[TrainingHistory]]) -> list[dict[str, Any]]:
    """Convert the trainings of all folds; "split" is the position of the fold."""
    return [
        {
            "split": split,
            "epochs": training.n_epochs,
            "best_epoch": training.best_epoch,
            "history": [{name: _plain(value) for name, value in epoch.items()} for epoch in training.epochs],
        }
        for split, own in enumerate(trainings) for training in own
    ]


def _plain(value: Any) -> Any:
    """Convert a figure of an epoch, or the figures of several targets."""
    if isinstance(value, (list, tuple)):
        return list(map(_plain, value))
    return value if isinstance(value, (str, int)) else finite(value)


def _spread(scores: np.ndarray, mean: float) -> dict[str, Any]:
    found = spread(scores, mean)
    ends = {name: finite(getattr(found, name)) for name in ("mean", "min", "max")}
    return {**found._asdict(), **ends, "folds": finite_list(scores)}


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "best": answer.best,
        "not_worse": list(answer.not_worse),
        "worse": list(answer.worse),
        "untested": list(answer.untested),
        "next": list(answer.next_methods),
        "sentences": list(answer.sentences),
    }


def _power(comparison: Comparison) -> dict[str, Any]:
    """Convert how much the tests could find; the smallest difference is one that they find to any other method."""
    to_best = [each.smallest for pair, each in comparison.power.items() if comparison.best in pair]
    return {
        "power": next((each.power for each in comparison.power.values()), None),
        "smallest": max((each for each in to_best if each is not None), default=None),
        "pairs": [
            {"first": first, "second": second, "smallest": each.smallest, "repeats": each.repeats}
            for (first, second), each in comparison.power.items()
        ],
        "sentences": list(comparison.power_sentences),
    }


def _pair(pair: Pair) -> dict[str, Any]:
    names = ("margin", "worse", "equivalent", "better")
    return {
        **_difference(pair.difference),
        "interval": [finite(end) for end in pair.difference.interval],
        "interval_confidence": pair.difference.result.confidence,
        "n_tests": pair.difference.n_tests,
        "equivalence": {name: finite(getattr(pair.equivalence, name)) for name in names},
    }


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
        "mean_n_train": curve.mean_n_train.tolist(),
        "methods": [
            {
                "name": method,
                "scores": {
                    name: [_spread(folds, float(mean)) for folds, mean in zip(by_share, curve.means[method][name])]
                    for name, by_share in scores.items()
                },
            }
            for method, scores in curve.scores.items()
        ],
    }
