"""The files of a report, each written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..evaluation import Comparison
from .document import to_document
from .html import to_html
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


def write_report(comparison: Comparison, folder: str | os.PathLike, command: str | None = None) -> list[Path]:
    """Write report.txt, report.json (schema 1), scores.csv and report.html.

    `scores.csv` holds no times, so that equal seeds give equal files. `report.html` stands alone, and shows what
    `report.json` says; it goes last, since it reads some of the pictures again.

    Parameters
    ----------
    comparison : Comparison
    folder : path
    command : str, optional
        The line that made the comparison, for whoever wants to make it again.

    Returns
    -------
    list of Path
        The files.
    """
    document = to_document(comparison, command)
    contents: dict[str, Callable[[], str]] = {
        "report.txt": lambda: format_text(comparison) + "\n",
        "report.json": lambda: json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        "scores.csv": lambda: _scores(comparison),
        "report.html": lambda: to_html(document, comparison.collection.pictures),
    }
    folder = check_output_folder(folder)
    for name, content in contents.items():
        replace_file(folder / name, content())
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


def replace_file(path: Path, content: str) -> None:
    """Write beside, then rename over: whoever reads, or pulls the plug, finds the old file or the new one."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # Names of files need not be Unicode: a path that is not is written with its bytes escaped.
        part.write_text(content, encoding="utf-8", errors="backslashreplace")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
