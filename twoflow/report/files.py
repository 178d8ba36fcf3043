"""The files of a report, each written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from pathlib import Path

from ..evaluation import Comparison
from .document import to_document
from .text import format_text

_COLUMNS = ("row", "repeat", "fold", "n_train", "n_test", "accuracy", "macro_f1")


def check_output_folder(folder: str | os.PathLike) -> Path:
    """Create the folder and see that it can be written to, before the work and not after.

    Raises
    ------
    OSError
        If it cannot; the message names the folder.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OSError(f"cannot write to the output folder {folder}: {reason}; name another one") from error
    return folder


def write_report(comparison: Comparison, folder: str | os.PathLike) -> list[Path]:
    """Write report.txt, report.json (schema 1) and scores.csv.

    `scores.csv` holds no times, so that equal seeds give equal files.

    Returns
    -------
    list of Path
        The files.
    """
    contents = {
        "report.txt": format_text(comparison) + "\n",
        "report.json": json.dumps(to_document(comparison), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        "scores.csv": _scores(comparison),
    }
    folder = check_output_folder(folder)
    for name, content in contents.items():
        _replace(folder / name, content)
    return [folder / name for name in contents]


def _scores(comparison: Comparison) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in comparison.rows:
        for fold, accuracy, macro_f1 in zip(comparison.folds, row.accuracy, row.macro_f1):
            sizes = len(fold.train), len(fold.test)
            writer.writerow([row.name, fold.repeat, fold.fold, *sizes, repr(float(accuracy)), repr(float(macro_f1))])
    return text.getvalue()


def _replace(path: Path, content: str) -> None:
    """Write beside, then rename over: whoever reads, or pulls the plug, finds the old file or the new one."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # Names of files need not be Unicode: a path that is not is written with its bytes escaped.
        part.write_text(content, encoding="utf-8", errors="backslashreplace")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
