"""The files of a report."""

from __future__ import annotations

import math
import os
from pathlib import Path

from .._text import escape_controls
from ..evaluation import Comparison
from .atomic import check_output_folder, replace_files
from .csv_text import to_csv
from .document import to_document
from .html import to_html
from .plain import to_json
from .text import format_text

#: The files that a report may have. One that a new report does not write is removed from its folder.
REPORT_FILES = ("report.txt", "report.json", "scores.csv", "predictions.csv", "report.html")

_COLUMNS = ("method", "repeat", "fold", "n_train", "n_test")


def write_report(comparison: Comparison, folder: str | os.PathLike, command: str | None = None) -> list[Path]:
    """Write report.txt, report.json (schema 2), scores.csv, predictions.csv and report.html: all of them or none.

    `scores.csv` and `predictions.csv` contain no times, so that equal seeds give equal files. `report.html` is one file
    without links, and shows the figures of `report.json`. They replace those of an earlier report in the folder; a file
    that only the earlier report has (see `REPORT_FILES`) is removed, so that two reports are never mixed.

    Parameters
    ----------
    comparison : Comparison
    folder : path
    command : str, optional
        The command line of the comparison, to show how to repeat it. By default there is none.

    Returns
    -------
    list of Path
        The files.
    """
    document = to_document(comparison, command)
    contents = {
        "report.txt": escape_controls(format_text(comparison)) + "\n",
        "report.json": to_json(document),
        "scores.csv": _scores(comparison),
        "predictions.csv": _predictions(comparison),
        "report.html": to_html(document, comparison.collection.images, comparison.explained),
    }
    return replace_files(check_output_folder(folder), contents, REPORT_FILES)


def _scores(comparison: Comparison) -> str:
    tables = [(method.name, method.scores) for method in comparison.methods]
    tables += [
        (f"{method.name}, before fallback", method.full_scores)
        for method in comparison.methods if method.falls_back and method.full_scores is not None
    ]
    held_out = [] if comparison.folds.column is None else ["held_out"]
    return to_csv([*_COLUMNS, *held_out, *comparison.scores], (
        # Full precision, so that equal scores give equal files. A fold with nothing to score has an empty cell.
        (
            name, fold.repeat, fold.fold, len(fold.train), len(fold.test), *(fold.held_out for _ in held_out),
            *("" if math.isnan(score) else float(score) for score in own),
        )
        for name, scores in tables
        for fold, *own in zip(comparison.folds, *scores.values())
    ))


def _predictions(comparison: Comparison) -> str:
    names, values = zip(*comparison.prediction_columns())
    return to_csv(names, zip(*values))
