"""Write the reasons for predictions: ``twoflow predict --explain``."""

from __future__ import annotations

import argparse
import os
from functools import partial
from typing import TYPE_CHECKING

from .._text import counted
from ..errors import InputError
from .loading import open_store
from .output import choose_output

if TYPE_CHECKING:
    from ..images import ImageCollection
    from ..models.model_file import ModelFile
    from ..predicting import Predictor
    from ..predicting.formats import Columns
    from ..predicting.inputs import Inputs
    from ..predicting.writing import Written

_PREDICTIONS = "predictions.csv"
_TABLES = (".csv", ".tsv")
#: What explains an image only together with others, or writes its answer elsewhere.
_APART = {"out": "--out", "format": "--format", "group_column": "--group-column", "scheduler": "--scheduler"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that ask for reasons."""
    group = parser.add_argument_group("reasons")
    group.add_argument(
        "--explain", metavar="DIR", type=os.path.expanduser,
        help=f"folder to write the answers with their reasons to: index.html, explanations.jsonl, {_PREDICTIONS} and "
             "maps/. The likeliest class is explained. A model whose head is linear takes about as long as for the "
             "prediction; any other is asked for some hundred covered images each time (default: no reasons)",
    )
    group.add_argument(
        "--training", metavar="IMAGES", type=os.path.expanduser,
        help="the images that the model was trained on, a folder of class folders or a table, to name exactly those "
             "that spoke for and against each answer (default: those that the model file holds)",
    )


def check(arguments: argparse.Namespace) -> None:
    """Raise an error for arguments that cannot be combined with --explain."""
    if arguments.explain is None:
        if arguments.training is not None:
            raise InputError("--training needs --explain, a folder for the reasons")
        return
    for name, option in _APART.items():
        if getattr(arguments, name) is not None:
            raise InputError(
                f"--explain: expected each image to be explained by itself, with {_PREDICTIONS} in the same folder, "
                f"got {option} too; leave {option} out"
            )


def write(
    arguments: argparse.Namespace, model_file: ModelFile, predictor: Predictor, inputs: Inputs, columns: Columns
) -> tuple[Written, str]:
    """Predict the images and write the reasons; return what was written, and where."""
    from ..explaining import explain
    from ..predicting.explaining import ExplainingPredictor
    from ..predicting.formats import FORMATS
    from ..predicting.writing import write_stream
    from ..report.explanations import EXPLANATION_FILES, ExplanationFiles
    from ..similarity import TrainingTerms

    arguments.out = arguments.explain
    training = None
    if arguments.training is not None:
        training = TrainingTerms(model_file.model, _load_training(arguments, model_file), store=open_store(arguments))
    folder, note = choose_output(arguments, [*EXPLANATION_FILES, _PREDICTIONS])
    asked = partial(explain, model_file, training=training)
    with (
        ExplanationFiles(folder, model_file.card.title) as files,
        open(folder / _PREDICTIONS, "w", encoding="utf-8", errors="backslashreplace", newline="") as table,
    ):
        written = write_stream(
            ExplainingPredictor(predictor, asked, files), inputs, table.write, FORMATS["csv"], columns,
            verbose=not arguments.quiet,
        )
    pages = counted(files.n_pages, "page")
    return written, f"{folder}: index.html ({pages}), explanations.jsonl, {_PREDICTIONS}, maps{note}"


def _load_training(arguments: argparse.Namespace, model_file: ModelFile) -> ImageCollection:
    from ..images import load_folder, load_table

    if not arguments.training.lower().endswith(_TABLES):
        return load_folder(arguments.training)
    return load_table(
        arguments.training, path_column=arguments.image_column or "path", image_pattern=arguments.image_pattern,
        label_column=[target.name for target in model_file.card.targets],
    )
