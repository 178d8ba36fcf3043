"""The files of an audit, each written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

from ...evaluation.auditing import Audit
from ..files import check_output_folder, replace_file
from .document import audit_document
from .page import format_page

_COLUMNS = ("picture", "given", "suggested", "margin", "confidence")


def write_audit(audit: Audit, folder: str | os.PathLike) -> list[Path]:
    """Write audit.json (schema 1), suspects.csv and audit.html.

    Returns
    -------
    list of Path
        The files.
    """
    contents = {
        "audit.json": json.dumps(audit_document(audit), indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        "suspects.csv": _suspects(audit),
        "audit.html": format_page(audit),
    }
    folder = check_output_folder(folder)
    for name, content in contents.items():
        replace_file(folder / name, content)
    return [folder / name for name in contents]


def _suspects(audit: Audit) -> str:
    """The most suspect first; only the header where labels were not judged."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    issues = audit.issues
    if issues is not None:
        for row in zip(issues.suspects, issues.given, issues.suggested, issues.margins, issues.confidences):
            position, given, suggested, margin, confidence = row
            writer.writerow([audit.name(int(position)), given, suggested, f"{margin:.4f}", f"{confidence:.4f}"])
    return text.getvalue()
