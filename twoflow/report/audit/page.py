"""An audit as one HTML page, with thumbnails of the findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._text import counted, printable
from ...auditing import Audit, LabelIssues
from ...auditing.quality import FAULTS
from ...evaluation.duplicates import KINDS, SAME_PHOTO
from ...images.lookalikes import spell
from ...images.passed_over import count_paths
from ...images.thumbnails import thumbnail
from ..page import render
from .dependences import dependence_view

_MOST = 200  # thumbnails in a section
_SIDE = 160  # pixels of a thumbnail: about six kilobytes, so about five megabytes in four sections
_MOST_ROWS = 1000  # of a table
_MOST_NAMES = 10  # of files and folders passed over for one reason


def format_page(audit: Audit) -> str:
    """Render the page, with at most 200 thumbnails in each section, and the number of those left out."""
    duplicates = audit.duplicates
    is_same = duplicates.is_same_photo
    return render(
        "audit.html",
        title=f"Audit of {counted(len(audit.images), 'image')}",
        audit=audit,
        counts=_counts(audit),
        kinds=KINDS,
        same_photo=SAME_PHOTO,
        photos=_sets(audit, duplicates.photos, np.flatnonzero(is_same)),
        groups=_sets(audit, duplicates.groups, np.flatnonzero(~is_same)),
        left_out=audit.count_left_out(),
        suspects=[
            (name if len(audit.issues) > 1 else "", *_suspects(audit, issues, _MOST // len(audit.issues)))
            for name, issues in audit.issues.items()
        ],
        dependences=[dependence_view(*each) for each in audit.dependences.items()],
        faults=_faults(audit),
        unreadable=[(printable(error.name), printable(error.reason)) for _, error in audit.unreadable[:_MOST_ROWS]],
        n_more_unreadable=max(0, len(audit.unreadable) - _MOST_ROWS),
        passed_over=[
            (printable(each.reason), len(each.paths), [printable(path) for path in each.paths[:_MOST_NAMES]])
            for each in audit.passed_over
        ],
        lookalikes=[" and ".join(map(spell, group)) for group in audit.lookalikes],
        classes=_classes(audit),
    )


def _counts(audit: Audit) -> list[tuple[str, str]]:
    """Count the findings, the most important first: the section of each, and its line."""
    found = []
    if audit.labels is not None:
        found.append(("duplicates", counted(len(audit.conflicts), "pair") + " of the same photo with different labels"))
    if audit.leaks is not None:
        tested = counted(audit.leaks.n_images, "test image")
        found.append(("duplicates", f"{tested} with a duplicate in training"))
    is_same = audit.duplicates.is_same_photo
    found.append(("duplicates", counted(int(is_same.sum()), "pair") + " of the same photo"))
    found.append(("alike", counted(int((~is_same).sum()), "pair") + " that look alike"))
    if audit.issues:
        n_suspects = sum(len(issues.suspects) for issues in audit.issues.values())
        found.append(("suspects", counted(n_suspects, "label") + " worth a second look"))
    found.append(("unreadable", counted(len(audit.unreadable), "unreadable image")))
    if audit.passed_over:
        n_paths = counted(count_paths(audit.passed_over), "file or folder", "files or folders")
        found.append(("passed-over", f"{n_paths} passed over"))
    found.append(("faults", counted(len(audit.faults), "fault") + " of images"))
    found.append(("clean", counted(len(audit.kept), "image") + " to train on"))
    if audit.class_counts:
        found.append(("classes", audit.describe_classes()))
    if audit.dependences:
        found.append(("dependences", counted(len(audit.dependences), "pair") + " of targets"))
    if audit.lookalikes:
        found.append(("classes", counted(len(audit.lookalikes), "group") + " of classes whose names look alike"))
    return found


def _sets(audit: Audit, sets: np.ndarray, numbers: np.ndarray) -> tuple[list[dict[str, Any]], int]:
    """Collect sets of images up to the limit of thumbnails, conflicts first, and count the sets left out.

    `sets` has the set of each image; `numbers` are the rows of the pairs to show.
    """
    duplicates = audit.duplicates
    firsts = sets[duplicates.pairs[:, 0]]
    in_conflict = firsts[audit.conflicts[np.isin(audit.conflicts, numbers)]].tolist()
    shown_sets = list(dict.fromkeys([*in_conflict, *firsts[numbers].tolist()]))
    order = np.argsort(sets, kind="stable")
    ends = np.searchsorted(sets[order], shown_sets, side="right")
    starts = np.searchsorted(sets[order], shown_sets)
    kinds = {one: set(duplicates.kinds[numbers[firsts[numbers] == one]].tolist()) for one in shown_sets}
    shown: list[dict[str, Any]] = []
    left = _MOST
    for one, start, end in zip(shown_sets, starts, ends):
        members = order[start:end]
        if left < 2:
            break
        tiles = [_tile(audit, i, audit.label(i)) for i in members[:left].tolist()]
        left -= len(tiles)
        shown.append({
            "kind": ", ".join(kind for kind in KINDS if kind in kinds[one]),
            "is_conflict": one in in_conflict,
            "tiles": tiles,
            "n_more": len(members) - len(tiles),
        })
    return shown, len(shown_sets) - len(shown)


def _suspects(audit: Audit, issues: LabelIssues, most: int) -> tuple[list[dict[str, Any]], int]:
    """Collect the most suspect labels of a target, and count the others."""
    examples: dict[int, dict[str, Any] | None] = {-1: None}  # many suspects share one
    found = []
    for position, given, suggested, confidence, example in zip(
        issues.suspects[:most].tolist(), issues.given, issues.suggested, issues.confidences, issues.examples.tolist()
    ):
        if example not in examples:
            examples[example] = _tile(audit, example, suggested)
        found.append({
            **_tile(audit, position, given),
            "suggested": printable(suggested),
            "confidence": f"{confidence:.0%}",
            "example": examples[example],
        })
    return found, len(issues.suspects) - len(found)


def _faults(audit: Audit) -> list[dict[str, Any]]:
    kinds = [kind for kind in FAULTS if any(fault.kind == kind for fault in audit.faults)]
    sections = []
    for kind in kinds:
        found = [fault for fault in audit.faults if fault.kind == kind]
        most = _MOST // len(kinds)
        sections.append({
            "kind": kind,
            "meaning": FAULTS[kind],
            "tiles": [_tile(audit, fault.position, fault.reason) for fault in found[:most]],
            "n_more": max(0, len(found) - most),
        })
    return sections


def _classes(audit: Audit) -> list[tuple[str, list[tuple[str, int, float]], int]]:
    """List what a table of each target shows: its heading, the rows of its classes, and how many it leaves out.

    A row is the name of a class, its number of images, and the length of its bar in percent.
    """
    tables = []
    for target, counts in audit.class_counts.items():
        most = max(counts.values(), default=1)
        rows = [(printable(name), count, round(100 * count / most, 1)) for name, count in counts.items()]
        heading = printable(target) if len(audit.class_counts) > 1 else "class"
        tables.append((heading, rows[:_MOST_ROWS], max(0, len(rows) - _MOST_ROWS)))
    return tables


def _tile(audit: Audit, position: int, text: object) -> dict[str, Any]:
    images: Sequence[Any] = audit.images
    return {
        "name": printable(audit.name(position)), "image": thumbnail(images[position], _SIDE), "text": printable(text)
    }
