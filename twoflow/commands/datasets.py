"""Compare methods over several data sets: ``twoflow datasets``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence

from .arguments import CommandParser, add_overwrite_argument, at_least, names
from .output import choose_output
from .program import print_to_reader


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    parser = CommandParser(
        prog="twoflow datasets",
        description="Compare methods over several data sets, from the reports that twoflow cv wrote.\n"
                    "Each data set counts once, with the mean score of each method.",
        examples=[
            "twoflow datasets shoes-report bags-report hats-report",
            "twoflow datasets shoes=runs/1 bags=runs/2/report.json --score macro_f1 --methods fast,cnn",
        ],
    )
    parser.add_argument(
        "reports", metavar="[NAME=]REPORT", nargs="+", type=named_path,
        help="report.json of a data set, or the folder that contains it. NAME names the data set and contains no slash "
             "or backslash; without it the folder does",
    )
    parser.add_argument(
        "--score", metavar="SCORE",
        help="score to compare, such as accuracy or macro_f1; every report must have it (default: the score that the "
             "first report tests)",
    )
    parser.add_argument(
        "--methods", metavar="METHOD,...", type=names,
        help="methods to compare; every report must have them (default: all methods that every report has; the others "
             "are listed)",
    )
    parser.add_argument(
        "--margin", metavar="M", type=margin, default=0.01,
        help="largest difference in the score that counts as practically equivalent, for the probabilities of "
             "twoflow[datasets] (default: %(default)s)",
    )
    parser.add_argument("--seed", metavar="S", type=at_least(0), default=0,
                        help="seed of these probabilities (default: %(default)s)")
    parser.add_argument(
        "--out", metavar="DIR", type=os.path.expanduser, default="twoflow-datasets",
        help="folder to write datasets.json, datasets.csv and datasets.html to (default: %(default)s)",
    )
    add_overwrite_argument(parser)
    return parser


def named_path(text: str) -> tuple[str | None, str]:
    """Split a name from a path: text before the first equals sign is a name, unless it is a part of a path."""
    name, sign, path = text.partition("=")
    if not sign or "/" in name or "\\" in name:
        return None, text
    if not name or not path:
        raise argparse.ArgumentTypeError(f"expected NAME=PATH or a path, got {text!r}")
    return name, path


def margin(text: str) -> float:
    """Parse a difference above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, such as 0.01, got {text!r}")
    return number


def main(argv: Sequence[str] | None = None) -> None:
    """Compare the methods, print the result and write the report."""
    arguments = make_parser().parse_args(argv)

    from ..evaluation.datasets import compare_datasets, name_reports
    from ..report import DATASETS_FILES, format_datasets, write_datasets

    comparison = compare_datasets(
        name_reports(arguments.reports),
        score=arguments.score,
        methods=arguments.methods,
        margin=arguments.margin,
        random_state=arguments.seed,
    )
    out, note = choose_output(arguments, DATASETS_FILES)
    gone = print_to_reader(format_datasets(comparison))
    files = write_datasets(
        comparison, out, shlex.join(["twoflow", "datasets", *(sys.argv[1:] if argv is None else argv)])
    )
    if gone is not None:
        raise gone
    print(f"\nWritten to {out}: {', '.join(file.name for file in files)}{note}")
