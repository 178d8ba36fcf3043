"""The files of a comparison over several data sets."""

from __future__ import annotations

import os
from pathlib import Path

from ...evaluation.datasets import DatasetsComparison
from ..atomic import check_output_folder, replace_files
from ..csv_text import to_csv
from ..plain import to_json
from .document import datasets_document
from .page import to_page

#: The files of a report.
DATASETS_FILES = ("datasets.json", "datasets.csv", "datasets.html")


def write_datasets(
    comparison: DatasetsComparison, folder: str | os.PathLike, command: str | None = None
) -> list[Path]:
    """Write datasets.json (schema 1), datasets.csv and datasets.html: all of them or none.

    Parameters
    ----------
    comparison : DatasetsComparison
    folder : path
    command : str, optional
        The command line of the comparison, to show how to repeat it. By default there is none.

    Returns
    -------
    list of Path
        The files.
    """
    document = datasets_document(comparison, command)
    contents = {
        "datasets.json": to_json(document),
        "datasets.csv": to_csv(["data set", *comparison.methods], (
            # Full precision, so that equal scores give equal files.
            (name, *scores.tolist()) for name, scores in zip(comparison.names, comparison.scores)
        )),
        "datasets.html": to_page(document),
    }
    return replace_files(check_output_folder(folder), contents, DATASETS_FILES)
