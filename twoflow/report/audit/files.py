"""The files of an audit."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ...auditing import Audit
from ..atomic import check_output_folder, replace_files
from ..csv_text import to_csv
from .document import audit_document
from .page import format_page

#: The files that an audit may have. One that a new audit does not write is removed from its folder.
AUDIT_FILES = ("audit.json", "suspects.csv", "audit.html")

_COLUMNS = ("image", "given", "suggested", "margin", "confidence")


def write_audit(audit: Audit, folder: str | os.PathLike) -> list[Path]:
    """Write audit.json (schema 1), suspects.csv and audit.html: all of them or none.

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
    return replace_files(check_output_folder(folder), contents, AUDIT_FILES)


def _suspects(audit: Audit) -> str:
    """List suspect labels, the most suspect first; only the header if labels were not judged."""
    issues = audit.issues
    rows = [] if issues is None else zip(
        map(audit.name, issues.suspects.tolist()), map(str, issues.given), map(str, issues.suggested),
        (f"{margin:.4f}" for margin in issues.margins), (f"{confidence:.4f}" for confidence in issues.confidences),
    )
    return to_csv(_COLUMNS, rows)
