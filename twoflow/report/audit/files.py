"""The files of an audit."""

from __future__ import annotations

import os
from itertools import chain, repeat
from pathlib import Path

from ...auditing import Audit
from ..atomic import check_output_folder, replace_files
from ..csv_text import to_csv
from ..plain import to_json
from .clean import clean_table, left_out_table
from .document import audit_document
from .page import format_page

#: The files that an audit may have. One that a new audit does not write is removed from its folder.
AUDIT_FILES = ("audit.json", "duplicates.csv", "suspects.csv", "clean.csv", "left-out.csv", "audit.html")

_DUPLICATES = ("first", "second", "kind", "distance", "same photo", "first label", "second label")
_SUSPECTS = ("image", "given", "suggested", "margin", "confidence", "ratio", "example", "target")


def write_audit(audit: Audit, folder: str | os.PathLike) -> list[Path]:
    """Write the files of an audit: all of them or none.

    They are audit.json (schema 1), duplicates.csv, suspects.csv, left-out.csv and audit.html; and clean.csv, a table of
    the images to train on, if all images are files.

    Returns
    -------
    list of Path
        The files.
    """
    clean = clean_table(audit)
    contents = {
        "audit.json": to_json(audit_document(audit)),
        "duplicates.csv": _duplicates(audit),
        "suspects.csv": _suspects(audit),
        **({} if clean is None else {"clean.csv": clean}),
        "left-out.csv": left_out_table(audit),
        "audit.html": format_page(audit),
    }
    return replace_files(check_output_folder(folder), contents, AUDIT_FILES)


def _duplicates(audit: Audit) -> str:
    """List all pairs of duplicates in the order of their images; labels are empty if there are none."""
    found = audit.duplicates
    rows = (
        (
            audit.name(first), audit.name(second), kind, f"{distance:.4f}", "yes" if is_same_photo else "no",
            audit.label(first), audit.label(second),
        )
        for (first, second), kind, distance, is_same_photo in zip(
            found.pairs.tolist(), found.kinds.tolist(), found.distances.tolist(), found.is_same_photo.tolist()
        )
    )
    return to_csv(_DUPLICATES, rows)


def _suspects(audit: Audit) -> str:
    """List suspect labels, target by target, the most suspect first; only the header if labels were not judged."""
    return to_csv(_SUSPECTS, chain.from_iterable(
        zip(
            map(audit.name, issues.suspects.tolist()), map(str, issues.given), map(str, issues.suggested),
            (f"{margin:.4f}" for margin in issues.margins), (f"{confidence:.4f}" for confidence in issues.confidences),
            (f"{ratio:.4f}" for ratio in issues.ratios),
            ("" if example < 0 else audit.name(example) for example in issues.examples.tolist()), repeat(name),
        )
        for name, issues in audit.issues.items()
    ))
