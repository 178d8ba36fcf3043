"""The arguments of ``twoflow predict`` for a competition's submission, and how the file is written."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .._files import reason_of, write_file
from .._text import counted, listed
from ..errors import InputError, OutsideError
from .output import choose_output

if TYPE_CHECKING:
    from ..predicting import Predictor
    from ..predicting.inputs import Inputs

#: The file that is written if --out names none.
DEFAULT_OUT = "submission.csv"
#: Arguments that need --submission, and arguments that say something about other files of answers.
_OWN = ("id_column", "unfilled")
_OTHERS = ("rules", "top", "format", "threshold", "explain")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments in a group of their own."""
    group = parser.add_argument_group("submission")
    group.add_argument(
        "--submission", metavar="CSV", type=os.path.expanduser,
        help="fill the sample of a competition's submission: a table with a column of ids and a column for each target "
             "of the model. An id names an image by its file name, with or without the ending. Everything else stays "
             "as it is in the sample (default: write a table of answers)",
    )
    group.add_argument("--id-column", metavar="COLUMN",
                       help="column of ids in the sample (default: the first)")
    group.add_argument(
        "--unfilled", choices=("error", "keep"),
        help="what to do about ids without a readable image and columns that are no target: error names them and "
             "writes nothing, keep keeps the values of the sample and names them (default: error)",
    )


def check(arguments: argparse.Namespace) -> None:
    """Raise an error for arguments that do not fit together, and choose the file to write."""
    is_asked_for = arguments.submission is not None
    for name in _OTHERS if is_asked_for else _OWN:
        if getattr(arguments, name) is None:
            continue
        option = f"--{name.replace('_', '-')}"
        if is_asked_for:
            raise InputError(f"{option}: expected no --submission, whose cells hold labels only, got one; leave "
                             f"{option} out")
        raise InputError(f"{option}: expected --submission, the sample of a submission, got none; name it")
    if is_asked_for:
        arguments.out = arguments.out or DEFAULT_OUT


def write(arguments: argparse.Namespace, predictor: Predictor, inputs: Inputs) -> Iterator[str]:
    """Fill the sample, write it, and yield what to say about it."""
    from ..predicting.sample import read_sample
    from ..predicting.submission import fill_sample

    sample = read_sample(arguments.submission, predictor.card, arguments.id_column)
    path, note = choose_output(arguments)
    filled = fill_sample(
        predictor, list(inputs), sample, unfilled=arguments.unfilled or "error", verbose=not arguments.quiet
    )
    try:
        write_file(path, filled.content)
    except OSError as error:
        raise OutsideError(f"cannot write {path}: {reason_of(error)}; make room, or name another --out") from error
    yield f"{counted(filled.n_filled, 'id')} filled: {listed(sample.columns)}"
    yield from filled.notes
    yield from (f"passed over: {each}" for each in inputs.passed_over)
    yield f"Written to {path}{note}"
