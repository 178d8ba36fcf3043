"""Audit a data set before training on it: ``twoflow audit``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import InputError
from .arguments import (
    CommandParser,
    add_collection_arguments,
    add_network_argument,
    add_run_arguments,
    at_least,
)
from .loading import (
    allow_named_hosts,
    check_networks,
    choose_provider,
    find_folder_split,
    load_collection,
    make_paths_absolute,
    open_store,
)
from .output import choose_output
from .program import print_to_reader

if TYPE_CHECKING:
    from ..images import ImageCollection
    from ..images.folders import PlainFolder


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    parser = CommandParser(
        prog="twoflow audit",
        description="Find duplicates, labels that may be wrong, and images that are unreadable or unusable.\n"
                    "IMAGES may also be a folder of images without class folders; labels are then not checked.",
        examples=[
            "twoflow audit shoes/",
            "twoflow audit shoes/ --labels shoes/labels.csv --group-column item --out shoes-audit",
        ],
    )
    add_collection_arguments(parser)
    group = parser.add_argument_group("audit")
    group.add_argument("--seed", metavar="S", type=at_least(0), default=0,
                       help="seed of the folds in which labels are judged (default: 0)")
    group.add_argument("--rank", choices=("ratio", "margin"), default="ratio",
                       help="what doubtful labels are ranked by: the ratio, or the margin between the probabilities of "
                            "the suggested class and the given label (default: %(default)s)")
    add_network_argument(group)
    group.add_argument(
        "--out", metavar="DIR", type=os.path.expanduser, default="twoflow-audit",
        help="folder to write audit.html, audit.json, duplicates.csv, suspects.csv, clean.csv and left-out.csv to "
             "(default: %(default)s)",
    )
    add_run_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Audit the images, print what was found and write the report."""
    arguments = make_parser().parse_args(argv)

    from ..auditing import audit
    from ..report import AUDIT_FILES, format_audit, write_audit
    from .dask_scheduler import connected

    allow_named_hosts(arguments)
    choose_provider(arguments)
    check_networks(arguments)
    out, note = choose_output(arguments, AUDIT_FILES)
    store = open_store(arguments)
    make_paths_absolute(arguments)
    with connected(arguments.scheduler):
        plain = _load_plain(arguments)
        images = _load(arguments) if plain is None else plain.paths
        found = audit(
            images,
            network=arguments.network,
            split_column=arguments.split_column,
            rank=arguments.rank,
            random_state=arguments.seed,
            n_jobs=arguments.jobs,
            verbose=not arguments.quiet,
            store=store,
        )
    if plain is not None:
        found = replace(found, passed_over=plain.passed_over, notes=(*plain.notes, *found.notes))
    gone = print_to_reader(format_audit(found))
    files = write_audit(found, out)
    if gone is not None:
        raise gone
    print(f"\nWritten to {out}: {', '.join(file.name for file in files)}{note}")


def _load_plain(arguments: argparse.Namespace) -> PlainFolder | None:
    """List the images of IMAGES if it has no class folders; None if it has, or if there is a table of labels."""
    from ..images.folders import list_plain_folder

    return None if arguments.labels is not None or arguments.images is None else list_plain_folder(arguments.images)


def _load(arguments: argparse.Namespace) -> ImageCollection:
    """Load the collection; choose the official split of its folders, if it has one, to look for leaks."""
    collection = load_collection(arguments)
    if collection is None:
        raise InputError("expected IMAGES, a folder of images, or --labels, a table of them, got neither; name one")
    arguments.split_column = arguments.split_column or find_folder_split(arguments, collection)
    return collection.without_small_classes(arguments.min_per_class)
