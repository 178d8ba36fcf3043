"""Predict the classes of images with a model file: ``twoflow predict``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .._text import escape_controls, printable
from ..errors import InputError
from . import explaining, submission
from .arguments import (
    CommandParser,
    add_hosts_argument,
    add_model_arguments,
    add_path_arguments,
    add_provider_argument,
    add_run_arguments,
    add_threshold_argument,
    at_least,
)
from .loading import allow_named_hosts, choose_provider, open_model, open_store
from .output import choose_output
from .program import say

if TYPE_CHECKING:
    from ..predicting import Predictor
    from ..predicting.formats import Columns
    from ..predicting.inputs import Inputs
    from ..predicting.writing import Written

#: The format of predictions by the ending of --out.
_ENDINGS = {".csv": "csv", ".jsonl": "jsonl"}
_TOP = 3  # likeliest classes


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    parser = CommandParser(
        prog="twoflow predict",
        description="Predict the classes of images with a model file. An image that cannot be read is a row with its "
                    "error.",
        examples=[
            "twoflow predict shoes.twoflow new-photos/ --out predictions.csv",
            "twoflow predict shoes.twoflow shop.csv --image-pattern images/{id}.jpg --group-column item",
            "twoflow predict shoes.twoflow - --null --format jsonl",
            "twoflow predict shirts.twoflow test/ --submission sample_submission.csv",
            "twoflow predict shoes.twoflow new-photos/ --explain reasons",
        ],
    )
    add_model_arguments(parser)
    _add_image_arguments(parser)
    _add_answer_arguments(parser)
    submission.add_arguments(parser)
    explaining.add_arguments(parser)
    add_provider_argument(add_run_arguments(parser, out="file"))
    return parser


def _add_image_arguments(parser: CommandParser) -> None:
    group = parser.add_argument_group("images")
    group.add_argument(
        "images", metavar="IMAGES", nargs="+", type=os.path.expanduser,
        help="images to predict, in any mix: image files; folders, with all folders inside; tables (.csv or .tsv) with "
             "a header and a column of paths or URLs, relative to the table; URLs of images, tables, or folders that "
             "end with a slash (needs twoflow[remote]); - for a list of paths and URLs on stdin, one on each line",
    )
    add_path_arguments(group)
    group.add_argument(
        "--group-column", metavar="COLUMN",
        help="column of items in tables. All photos of an item get one answer, from the average of their scores "
             "(default: an answer for each image)",
    )
    group.add_argument("-0", "--null", action="store_true",
                       help="the list on stdin is separated by NUL, as find -print0 writes it (default: by line ends)")
    add_hosts_argument(group)


def _add_answer_arguments(parser: CommandParser) -> None:
    group = parser.add_argument_group("answers")
    add_threshold_argument(group)
    group.add_argument("--top", metavar="K", type=at_least(1),
                       help=f"how many of the likeliest classes to list (default: {_TOP})")
    group.add_argument("--rules", metavar="FILE", type=os.path.expanduser,
                       help="rules of moderation, a TOML file, that approve, deny or review each image (default: none)")
    group.add_argument(
        "--out", metavar="FILE", type=os.path.expanduser,
        help="file to write. If the command is ended, however hard, the same command goes on where it was (default: "
             f"write to standard output; with --submission, to {submission.DEFAULT_OUT})",
    )
    group.add_argument("--format", choices=tuple(_ENDINGS.values()),
                       help="csv, a table, or jsonl, a JSON object on each line (default: as --out ends, or csv)")


def main(argv: Sequence[str] | None = None) -> None:
    """Predict the images, and say what was predicted."""
    arguments = make_parser().parse_intermixed_args(argv)  # images may follow options
    submission.check(arguments)
    explaining.check(arguments)
    if arguments.submission is None:
        arguments.format = arguments.format or _format_of(arguments.out)
    arguments.top = arguments.top or _TOP
    _keep_inputs(arguments)

    from ..predicting import Predictor
    from ..predicting.rules import read_rules
    from .dask_scheduler import connected

    allow_named_hosts(arguments)
    choose_provider(arguments)
    model_file = open_model(arguments)
    rules = None if arguments.rules is None else read_rules(arguments.rules, model_file.card)
    predictor = Predictor(
        model_file, top=arguments.top, rules=rules, n_jobs=arguments.jobs, store=open_store(arguments)
    )
    inputs = _open_inputs(arguments)
    with connected(arguments.scheduler):
        if arguments.submission is not None:
            for line in submission.write(arguments, predictor, inputs):
                say(printable(line))
            return
        if arguments.explain is not None:
            columns = _columns(arguments, predictor)
            written, where = explaining.write(arguments, model_file, predictor, inputs, columns)
        elif arguments.out is None:
            written, where = _write_to_stdout(arguments, predictor, inputs), "standard output"
        else:
            path, note = choose_output(arguments)
            identity = _identify(arguments, predictor, model_file.digest)
            written = _write_to_file(arguments, predictor, inputs, path, identity)
            where = f"{path}{note}"
    for line in [*_summarize(written, arguments, predictor, inputs), f"Written to {where}"]:
        say(printable(line))


def _format_of(out: str | None) -> str:
    ending = ".csv" if out is None else Path(out).suffix.lower()
    if ending not in _ENDINGS:
        raise InputError(f"--out: expected a name that ends in {' or '.join(_ENDINGS)}, got {out}; name the --format")
    return _ENDINGS[ending]


def _keep_inputs(arguments: argparse.Namespace) -> None:
    """Raise an error if --out is a file that the command reads, which --overwrite would replace."""
    if arguments.out is None or not os.path.exists(arguments.out):
        return
    for read in filter(None, [arguments.model, arguments.rules, arguments.submission, *arguments.images]):
        if os.path.exists(read) and os.path.samefile(read, arguments.out):
            raise InputError(f"--out: expected a file that is not read, got {arguments.out}; name another file")


def _open_inputs(arguments: argparse.Namespace) -> Inputs:
    from ..predicting.inputs import TableOptions, open_inputs

    return open_inputs(
        arguments.images,
        table=TableOptions(arguments.image_column, arguments.image_pattern, arguments.group_column),
        stdin=sys.stdin.buffer,
        by_null=arguments.null,
        absolute=arguments.scheduler is not None,
    )


def _write_to_stdout(arguments: argparse.Namespace, predictor: Predictor, inputs: Inputs) -> Written:
    from ..predicting.formats import FORMATS
    from ..predicting.writing import write_stream

    return write_stream(
        predictor, inputs, _write_out, FORMATS[arguments.format], _columns(arguments, predictor),
        verbose=not arguments.quiet,
    )


def _write_to_file(
    arguments: argparse.Namespace, predictor: Predictor, inputs: Inputs, path: Path, identity: dict[str, str]
) -> Written:
    from ..predicting.formats import FORMATS
    from ..predicting.writing import write_file

    return write_file(
        predictor, inputs, path, FORMATS[arguments.format], _columns(arguments, predictor), identity=identity,
        anew=arguments.overwrite, verbose=not arguments.quiet,
    )


def _identify(arguments: argparse.Namespace, predictor: Predictor, model_digest: str) -> dict[str, str]:
    """Return what the predictions depend on besides the images; another run must not go on where this one stopped."""
    from .. import __version__
    from ..networks.providers import wanted

    return {
        "model": model_digest, "version of twoflow": __version__, "--format": arguments.format,
        "--provider": wanted("auto"), "--threshold": repr(predictor.threshold), "--top": str(arguments.top),
        "--rules": "" if predictor.rules is None else predictor.rules.digest,
        "--group-column": arguments.group_column or "",
    }


def _columns(arguments: argparse.Namespace, predictor: Predictor) -> Columns:
    from ..predicting.formats import Columns

    return Columns.of(
        predictor.card, arguments.top, with_decisions=arguments.rules is not None,
        with_items=arguments.group_column is not None,
    )


def _write_out(text: str) -> None:
    """Write text to stdout at once: the bytes that a file would have, or escaped text on a terminal."""
    binary = getattr(sys.stdout, "buffer", None)  # a stream in memory has none
    if binary is None or sys.stdout.isatty():
        sys.stdout.write(escape_controls(text))
    else:
        binary.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.flush()


def _summarize(
    written: Written, arguments: argparse.Namespace, predictor: Predictor, inputs: Inputs
) -> list[str]:
    counts = written.counts
    targets = [target.name for target in predictor.card.targets]
    line = counts.describe(targets, with_items=arguments.group_column is not None)
    n_here = counts.n_images - written.n_before
    if written.n_before:
        line += f"; {written.n_before:,} of them in an earlier attempt"
    if n_here and written.seconds > 0:
        line += f"; {n_here / written.seconds:,.1f} images per second"
    lines = [line, *(f"passed over: {each}" for each in inputs.passed_over)]
    return [*lines, *([written.discarded] if written.discarded else [])]
