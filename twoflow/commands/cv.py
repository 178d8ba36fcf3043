"""Compare methods by cross-validation: ``twoflow cv``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .arguments import (
    CommandParser,
    add_collection_arguments,
    add_network_argument,
    add_run_arguments,
    allow_named_hosts,
    at_least,
    load_collection,
    load_superclasses,
    make_paths_absolute,
    open_store,
    split_of_folders,
)
from .program import print_to_reader

if TYPE_CHECKING:
    from ..images import ImageCollection

#: Arguments that ask for other folds than an official split of folders.
_ASK_FOR_FOLDS = ("folds", "repeats", "test_size", "folds_from", "group_duplicates")

_N_CLASSES, _N_PER_CLASS = 20, 30  # of the generated shop: two or three minutes on two cores


def make_parser() -> CommandParser:
    """The command's arguments."""
    from ..evaluation import DEFAULT_METHODS, EXTRA_METHODS, METHODS, RECIPE_METHODS
    from ..heads.table import HEADS

    parser = CommandParser(
        prog="twoflow cv",
        description="Compare the Two-Flow model with its rivals on the same folds of your images. Without IMAGES, on "
                    f"a generated shop of {_N_CLASSES} classes.",
    )
    add_collection_arguments(parser)
    group = parser.add_argument_group("comparison")
    group.add_argument(
        "--methods", metavar="METHOD,...", default=",".join(DEFAULT_METHODS),
        help=f"methods, the first being the reference for the tests: {', '.join(METHODS + EXTRA_METHODS)}, "
             f"a recipe ({', '.join(RECIPE_METHODS)}), RECIPE:HEAD for another head ({', '.join(HEADS)}), "
             "cnn:LAYER for a layer of the network, pixels:WIDTHxHEIGHT for another size than memory suggests, or all, "
             "which leaves out what is not installed and says so (default: %(default)s)",
    )
    group.add_argument("--folds", metavar="K", type=at_least(2), help="folds to draw (default: 10)")
    group.add_argument("--repeats", metavar="R", type=at_least(1), help="how often (default: 1)")
    group.add_argument(
        "--test-size", metavar="SHARE", type=float,
        help="instead of folds, a random split a repeat with this share tested; the paper: 0.1 with --repeats 10",
    )
    group.add_argument(
        "--folds-from", metavar="JSON", type=os.path.expanduser,
        help="the report.json of another run on the same images, to take its folds",
    )
    group.add_argument(
        "--group-duplicates", action="store_true",
        help="never have an image and its duplicate, exact or near, on both sides of a fold",
    )
    group.add_argument(
        "--train-sizes", metavar="SHARE,...", type=shares, default=(),
        help="for a learning curve, fit on these shares of each fold's training images as well, such as 0.1,0.3",
    )
    group.add_argument("--seed", metavar="S", type=at_least(0), default=0, help="for all that is random (default: 0)")
    add_network_argument(group)
    group.add_argument(
        "--out", metavar="DIR", type=os.path.expanduser, default="twoflow-report",
        help="folder for report.txt, report.json, scores.csv and report.html (default: %(default)s)",
    )
    add_run_arguments(parser)
    return parser


def shares(text: str) -> tuple[float, ...]:
    """A type for arguments: numbers above 0 and at most 1, separated by commas."""
    found = tuple(map(float, text.split(",")))
    if not all(0 < share <= 1 for share in found):
        raise ValueError
    return found


shares.__name__ = "shares above 0 and at most 1"  # what argparse says was expected


def main(argv: Sequence[str] | None = None) -> None:
    """Load, compare, print, write."""
    arguments = make_parser().parse_args(argv)

    from ..evaluation import compare, left_out_methods, make_methods
    from ..networks import NETWORKS
    from ..report import check_output_folder, format_text, write_report
    from .dask_scheduler import connected

    names = arguments.methods.split(",")
    allow_named_hosts(arguments)
    out = check_output_folder(arguments.out)
    store = open_store(arguments)
    make_paths_absolute(arguments, "images", "labels", *([] if arguments.network in NETWORKS else ["network"]))
    with connected(arguments.scheduler):
        collection = load_collection(arguments) or _generated_shop(arguments.seed)
        collection = _choose_split(arguments, collection.without_small_classes(arguments.min_per_class))
        superclasses = load_superclasses(arguments, collection)
        methods = make_methods(names, arguments.network, arguments.seed, superclasses, len(collection))
        comparison = compare(
            methods,
            collection,
            folds=arguments.folds or 10,
            repeats=arguments.repeats or 1,
            test_size=arguments.test_size,
            split_column=arguments.split_column,
            folds_from=arguments.folds_from,
            train_sizes=arguments.train_sizes,
            random_state=arguments.seed,
            n_jobs=arguments.jobs,
            verbose=not arguments.quiet,
            store=store,
            left_out=left_out_methods(names),
            group_duplicates=arguments.group_duplicates,
        )
    gone = print_to_reader(format_text(comparison))
    files = write_report(comparison, out, _command_line(sys.argv[1:] if argv is None else argv))
    if gone is not None:
        raise gone
    print(f"\nWritten to {out}: {', '.join(file.name for file in files)}")
    if store is not None and store.is_usable:
        print(f"Features kept in {store.folder}: {store.n_bytes / 1e6:,.1f} MB; twoflow store clear empties it")


def _choose_split(arguments: argparse.Namespace, collection: ImageCollection) -> ImageCollection:
    """Take an official split of the folders unless other folds are asked for; a note says so."""
    column = split_of_folders(arguments, collection)
    if column is None or arguments.split_column is not None:
        return collection
    asked = [f"--{name.replace('_', '-')}" for name in _ASK_FOR_FOLDS if getattr(arguments, name)]
    if asked:
        return collection.noted(f"the official split is not used; other folds are asked for by {' and '.join(asked)}")
    arguments.split_column = column
    return collection


def _command_line(argv: Sequence[str]) -> str:
    """What a shell takes for this command, without the secrets of URLs."""
    from ..images.remote import mask

    return shlex.join(["twoflow", "cv", *map(mask, argv)])


def _generated_shop(seed: int) -> ImageCollection:
    """Its files' content, as they are gone in a moment and may never have been where a worker is."""
    from ..images import ImageCollection, make_shop
    from ..images.reading import read_content

    with tempfile.TemporaryDirectory(prefix="twoflow-shop-") as folder:
        shop = make_shop(_N_CLASSES, _N_PER_CLASS, folder=folder, random_state=seed)
        return ImageCollection([read_content(path) for path in shop.paths], shop.labels)
