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
    add_opening_arguments,
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
    open_model,
    open_store,
)
from .output import choose_output
from .program import print_to_reader

if TYPE_CHECKING:
    from ..images import ImageCollection
    from ..images.folders import PlainFolder


#: Arguments that say something about labels, which --label-next does not look at.
_ABOUT_LABELS = (
    "labels", "image_column", "image_pattern", "missing", "label_column", "levels", "group_column", "split_column",
)


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    parser = CommandParser(
        prog="twoflow audit",
        description="Find duplicates, labels that may be wrong, and images that are unreadable or unusable.\n"
                    "IMAGES may also be a folder of images without class folders; labels are then not checked.\n"
                    "With --label-next it chooses which of them a person should label next.",
        examples=[
            "twoflow audit shoes/",
            "twoflow audit shoes/ --labels shoes/labels.csv --group-column item --out shoes-audit",
            "twoflow audit unlabeled/ --label-next 100 --model shoes.twoflow --out to-label",
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
    _add_queue_arguments(parser)
    group.add_argument(
        "--out", metavar="DIR", type=os.path.expanduser, default="twoflow-audit",
        help="folder to write audit.html, audit.json, duplicates.csv, suspects.csv, clean.csv and left-out.csv to; "
             "with --label-next, label-next.csv and label-next.html (default: %(default)s)",
    )
    add_run_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Audit the images, print what was found and write the report."""
    arguments = make_parser().parse_args(argv)
    _check_queue_arguments(arguments)
    allow_named_hosts(arguments)
    choose_provider(arguments)
    (_audit if arguments.label_next is None else _choose_to_label)(arguments)


def _audit(arguments: argparse.Namespace) -> None:
    from ..auditing import audit
    from ..report import AUDIT_FILES, format_audit, write_audit
    from .dask_scheduler import connected

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


def _choose_to_label(arguments: argparse.Namespace) -> None:
    """Choose the images to label next, print why, and write the queue."""
    from ..auditing import label_next
    from ..report import QUEUE_FILES, format_label_queue, write_label_queue
    from .dask_scheduler import connected

    model = open_model(arguments)
    out, note = choose_output(arguments, QUEUE_FILES)
    store = open_store(arguments)
    make_paths_absolute(arguments)
    with connected(arguments.scheduler):
        images = _list_images(arguments.images)
        found = label_next(
            model, images, arguments.label_next,
            labeled=None if arguments.labeled is None else _list_images(arguments.labeled),
            random_state=arguments.seed, n_jobs=arguments.jobs, verbose=not arguments.quiet, store=store,
        )
    gone = print_to_reader(format_label_queue(found))
    files = write_label_queue(found, images, out)
    if gone is not None:
        raise gone
    print(f"\nWritten to {out}: {', '.join(file.name for file in files)}{note}")


def _add_queue_arguments(parser: CommandParser) -> None:
    """Add the arguments of the choice of images to label."""
    group = parser.add_argument_group("what to label next")
    group.add_argument(
        "--label-next", metavar="N", type=at_least(1),
        help="choose the N images of the folder IMAGES whose labels would teach the model of --model most, the most "
             "useful first, instead of an audit (default: audit)",
    )
    group.add_argument(
        "--model", metavar="MODEL", type=os.path.expanduser,
        help="model file, NAME.twoflow, as twoflow train writes it; --label-next needs it (default: none)",
    )
    group.add_argument(
        "--labeled", metavar="FOLDER", type=os.path.expanduser,
        help="folder of images that have labels already; other images of the same photos are not chosen (default: the "
             "small copies of the training images in the model file, if it has them)",
    )
    add_opening_arguments(group)


def _check_queue_arguments(arguments: argparse.Namespace) -> None:
    """Check that what belongs to --label-next is there with it, and nowhere else."""
    if arguments.label_next is None:
        for name in ("model", "labeled", "digest", "networks"):
            if getattr(arguments, name):
                raise InputError(f"--{name} needs --label-next, the number of images to choose; add it")
        return
    if arguments.model is None or arguments.images is None:
        raise InputError(
            "--label-next: expected IMAGES, a folder of images, and --model, a model file, got only one of them; add "
            "the other"
        )
    for name in _ABOUT_LABELS:
        if getattr(arguments, name) is not None:
            raise InputError(
                f"--label-next chooses among images without labels; leave out --{name.replace('_', '-')}"
            )


def _list_images(folder: str) -> list[str]:
    """List the images of a folder, whether they are in class folders or not."""
    from ..images import load_folder
    from ..images.folders import list_plain_folder

    plain = list_plain_folder(folder)
    return load_folder(folder).paths if plain is None else plain.paths


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
