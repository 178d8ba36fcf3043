"""An audit as the plain data of audit.json, schema 1: keys are added, never renamed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ...auditing import Audit
from ..plain import finite, leaks_document, passed_over_document
from .dependences import dependence_document


def audit_document(audit: Audit) -> dict[str, Any]:
    """Convert all findings to dicts, lists, text and numbers; a number that is not finite becomes None.

    Images are given by their positions in `images`, which contains their names.
    """
    duplicates, labels = audit.duplicates, audit.labels
    conflicts = audit.is_conflict(*duplicates.pairs.T).tolist()
    return {
        "schema": 1,
        "images": [
            {
                "name": audit.name(i),
                "label": None if labels is None else audit.label(i),
                "group": int(duplicates.groups[i]),
                "photo": int(duplicates.photos[i]),
            }
            for i in range(len(audit.images))
        ],
        "classes": [
            {"target": target, "name": name, "n_images": count}
            for target, counts in audit.class_counts.items() for name, count in counts.items()
        ],
        "small_classes": [
            {"target": target, "name": name} for target, counts in audit.small_classes.items() for name in counts
        ],
        "duplicates": [
            {
                "first": int(first),
                "second": int(second),
                "kind": str(kind),
                "distance": float(distance),
                "same_photo": bool(is_same_photo),
                "conflict": is_conflict,
            }
            for (first, second), kind, distance, is_same_photo, is_conflict in zip(
                duplicates.pairs, duplicates.kinds, duplicates.distances, duplicates.is_same_photo, conflicts
            )
        ],
        "conflicts": audit.conflicts.tolist(),
        "kept": audit.kept.tolist(),
        "left_out": [asdict(each) for each in audit.left_out],
        "leaks": None if audit.leaks is None else leaks_document(audit.leaks),
        "suspects": None if not audit.issues else [
            {
                "target": name,
                "position": int(position),
                "given": str(given),
                "suggested": str(suggested),
                "margin": float(margin),
                "ratio": float(ratio),
                "confidence": float(confidence),
                "example": None if example < 0 else int(example),
            }
            for name, issues in audit.issues.items()
            for position, given, suggested, margin, ratio, confidence, example in zip(
                issues.suspects, issues.given, issues.suggested, issues.margins, issues.ratios, issues.confidences,
                issues.examples,
            )
        ],
        "label_noise": [
            {
                "target": name,
                "n_judged": issues.n_judged,
                "classes": [str(label) for label in issues.classes],
                "thresholds": [finite(threshold) for threshold in issues.thresholds.tolist()],
                "confident_joint": issues.confident_joint.tolist(),
            }
            for name, issues in audit.issues.items()
        ],
        "faults": [asdict(fault) for fault in audit.faults],
        "unreadable": [
            {"position": position, "name": error.name, "reason": error.reason} for position, error in audit.unreadable
        ],
        "associations": [
            {"column": column, **dependence_document(result)} for column, result in audit.associations.items()
        ],
        "dependences": [
            {"targets": list(names), **dependence_document(result)} for names, result in audit.dependences.items()
        ],
        "lookalikes": [list(group) for group in audit.lookalikes],
        "passed_over": passed_over_document(audit.passed_over),
        "notes": list(audit.notes),
        "network": ", ".join(record.name for record in audit.networks),
        "networks": [record.document() for record in audit.networks],
        "seconds": audit.seconds,
        "n_computed": audit.n_computed,
    }
