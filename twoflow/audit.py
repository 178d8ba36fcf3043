"""Look a data set through before anything is learnt from it: ``python -m twoflow.audit``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ._command import (
    CommandParser,
    add_collection_arguments,
    add_network_argument,
    add_run_arguments,
    allow_named_hosts,
    at_least,
    load_collection,
    make_paths_absolute,
    open_store,
    run,
)

if TYPE_CHECKING:
    from .images import ImageCollection


def make_parser() -> CommandParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m twoflow.audit",
        description="Find duplicates, labels worth a second look, and pictures that cannot be read or are no use. "
                    "Of a folder of pictures without class folders, all but the labels is looked at.",
    )
    add_collection_arguments(parser)
    group = parser.add_argument_group("audit")
    group.add_argument("--seed", metavar="S", type=at_least(0), default=0, help="for the folds (default: 0)")
    add_network_argument(group)
    group.add_argument(
        "--out", metavar="DIR", default="twoflow-audit",
        help="folder for audit.html, audit.json and suspects.csv (default: %(default)s)",
    )
    add_run_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Load, look through, print, write."""
    arguments = make_parser().parse_args(argv)

    from ._scheduler import connected
    from .evaluation import audit
    from .networks import NETWORKS
    from .report import check_output_folder, format_audit, write_audit

    allow_named_hosts(arguments)
    out = check_output_folder(arguments.out)
    store = open_store(arguments)
    make_paths_absolute(arguments, "images", *([] if arguments.network in NETWORKS else ["network"]))
    with connected(arguments.scheduler):
        found = audit(
            _load(arguments),
            network=arguments.network,
            split_column=arguments.split_column,
            random_state=arguments.seed,
            n_jobs=arguments.jobs,
            verbose=not arguments.quiet,
            store=store,
        )
    try:
        print(format_audit(found), flush=True)
    finally:  # whoever was to read that may be gone, as `head` is after its lines
        files = write_audit(found, out)
    print(f"\nWritten to {out}: {', '.join(file.name for file in files)}")


def _load(arguments: argparse.Namespace) -> ImageCollection | list[str]:
    """A collection, or the pictures alone if they lie in no class folders."""
    from .images.loading import list_plain_folder

    if arguments.labels is None and arguments.images is not None:
        plain = list_plain_folder(arguments.images)
        if plain is not None:
            return plain
    collection = load_collection(arguments)
    if collection is None:
        raise ValueError("name IMAGES, the folder to look through")
    return collection.without_small_classes(arguments.min_per_class)


if __name__ == "__main__":
    sys.exit(run(main))
