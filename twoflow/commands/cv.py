"""Compare methods by cross-validation: ``twoflow cv``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._progress import phase
from . import fine_tuning
from .arguments import (
    CommandParser,
    add_balance_arguments,
    add_collection_arguments,
    add_network_argument,
    add_run_arguments,
    at_least,
    names,
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

#: Arguments that ask for other folds than the official split of folders.
_ASK_FOR_FOLDS = ("folds", "repeats", "test_size", "leave_one_out_column", "folds_from", "group_duplicates")

#: Arguments that say where folds come from, and those that have no effect beside them.
_WITHOUT_EFFECT = {
    "split_column": ("folds", "repeats"),
    "leave_one_out_column": ("folds", "repeats"),
    "folds_from": ("folds", "repeats"),
    "test_size": ("folds",),
}

_N_CLASSES, _N_PER_CLASS = 20, 30  # of the generated shop: a comparison takes less than a minute on two cores


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    from ..evaluation import DEFAULT_METHODS, EXTRA_METHODS, METHODS, NAME_FORMS, RECIPE_METHODS
    from ..heads.table import HEADS

    parser = CommandParser(
        prog="twoflow cv",
        description="Compare methods by cross-validation, on the same folds of your images.\n"
                    f"Without IMAGES, compare them on a generated shop of {_N_CLASSES} classes.",
        examples=[
            "twoflow cv",
            "twoflow cv shoes/ --methods fast,best,cnn:logistic --out shoes-report",
            "twoflow cv shoes/ --labels shoes/labels.csv --label-column class --group-column item",
            "twoflow cv shoes/ --test-size 0.1 --repeats 10",
        ],
    )
    add_collection_arguments(parser)
    group = parser.add_argument_group("comparison")
    group.add_argument(
        "--methods", metavar="METHOD,...", type=names, default=",".join(DEFAULT_METHODS),
        help=f"methods to compare. A method is {', '.join(METHODS)}, "
             f"{', '.join(EXTRA_METHODS)}, or a recipe ({', '.join(RECIPE_METHODS)}). Further forms: "
             f"{'; '.join(f'{form}, {meaning}' for form, meaning in NAME_FORMS.items())}. NETWORK is cnn for those of "
             "--network, the short name of one of them, such as vit for models/vit.onnx, or a name that twoflow "
             f"networks lists; HEAD is one of {', '.join(HEADS)}. all compares every method that is installed, except "
             "recipes, heads and networks that are fine-tuned, and lists those that are not installed (default: "
             "%(default)s)",
    )
    group.add_argument("--folds", metavar="K", type=at_least(2), help="number of folds (default: 10)")
    group.add_argument(
        "--repeats", metavar="R", type=at_least(1), help="how often to draw new folds and repeat (default: 1)"
    )
    group.add_argument(
        "--test-size", metavar="SHARE", type=float,
        help="test a random share of the images in each repeat, instead of drawing folds. The paper: --test-size 0.1 "
             "--repeats 10 (default: draw folds)",
    )
    group.add_argument(
        "--leave-one-out-column", metavar="COLUMN",
        help="column of the table with the source of each image, such as its sender or shop: each fold tests one "
             "source and trains on the others, at most 50 sources (default: draw folds)",
    )
    group.add_argument(
        "--folds-from", metavar="REPORT", type=os.path.expanduser,
        help="use the folds of an earlier run on the same images: its report.json, or the folder that contains it "
             "(default: draw folds)",
    )
    group.add_argument(
        "--group-duplicates", action="store_true",
        help="keep duplicates, and images that look alike, on one side of a fold (default: only count and report those "
             "that are on both sides)",
    )
    group.add_argument(
        "--train-sizes", metavar="SHARE,...", type=shares, default=(),
        help="also fit on these shares of each fold's training images, such as 0.1,0.3, for a learning curve "
             "(default: no curve)",
    )
    group.add_argument(
        "--explain", metavar="N", type=at_least(0), default=0,
        help="explain in report.html the N most confident errors of the best method. It is fitted again on each fold "
             "that tested one of them (default: 0, for none)",
    )
    group.add_argument(
        "--seed", metavar="S", type=at_least(0), default=0,
        help="seed of everything random. The same seed gives the same scores (default: 0)",
    )
    add_network_argument(group)
    add_balance_arguments(group)
    fine_tuning.add_arguments(parser)
    group.add_argument(
        "--out", metavar="DIR", type=os.path.expanduser, default="twoflow-report",
        help="folder to write report.txt, report.json, report.html, scores.csv and predictions.csv to "
             "(default: %(default)s)",
    )
    add_run_arguments(parser)
    return parser


def shares(text: str) -> tuple[float, ...]:
    """Parse an argument of shares, each above 0 and at most 1, separated by commas."""
    try:
        found = tuple(map(float, text.split(",")))
    except ValueError:
        found = (0.0,)
    if not all(0 < share <= 1 for share in found):
        raise argparse.ArgumentTypeError(f"expected shares above 0 and at most 1, such as 0.1,0.3, got {text!r}")
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Compare the methods, print the result and write the report."""
    arguments = make_parser().parse_args(argv)

    from ..evaluation import compare, fine_tunes
    from ..report import REPORT_FILES, format_text, write_report
    from .dask_scheduler import connected

    tuned = any(map(fine_tunes, arguments.methods))
    fine_tuning.check(arguments, tuned, "add fine-tuned to --methods")
    allow_named_hosts(arguments)
    choose_provider(arguments)
    check_networks(arguments)
    out, note = choose_output(arguments, REPORT_FILES)
    store = open_store(arguments)
    make_paths_absolute(arguments)
    with connected(arguments.scheduler):
        collection = load_collection(arguments) or _generated_shop(arguments.seed)
        collection = collection.without_small_classes(arguments.min_per_class).noted(*_note_idle(arguments))
        collection = _choose_split(arguments, collection)
        comparison = compare(
            arguments.methods,
            collection,
            network=arguments.network,
            class_weight=arguments.class_weight,
            max_per_class=arguments.max_per_class,
            fine_tuning=fine_tuning.parameters(arguments, store) if tuned else None,
            folds=arguments.folds or 10,
            repeats=arguments.repeats or 1,
            test_size=arguments.test_size,
            split_column=arguments.split_column,
            leave_one_out_column=arguments.leave_one_out_column,
            folds_from=arguments.folds_from,
            train_sizes=arguments.train_sizes,
            random_state=arguments.seed,
            n_jobs=arguments.jobs,
            verbose=not arguments.quiet,
            store=store,
            group_duplicates=arguments.group_duplicates,
            n_explained=arguments.explain,
        )
    with phase("summary", verbose=not arguments.quiet):
        text = format_text(comparison)
    gone = print_to_reader(text)
    with phase("report", verbose=not arguments.quiet):
        files = write_report(comparison, out, _command_line(sys.argv[1:] if argv is None else argv))
    if gone is not None:
        raise gone
    print(f"\nWritten to {out}: {', '.join(file.name for file in files)}{note}")
    if store is not None and store.is_usable:
        size = f"{store.n_bytes / 1e6:,.1f} MB"
        print(f"Features and finished folds kept in {store.folder}: {size}; twoflow store clear empties it")


def _note_idle(arguments: argparse.Namespace) -> list[str]:
    """Return a note for each argument about folds that has no effect beside another one."""
    return [
        f"{_option(other)} has no effect, because the folds come from {_option(name)}"
        for name, others in _WITHOUT_EFFECT.items() if getattr(arguments, name) is not None
        for other in others if getattr(arguments, other) is not None
    ]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _choose_split(arguments: argparse.Namespace, collection: ImageCollection) -> ImageCollection:
    """Choose the official split of the folders, unless the arguments ask for other folds; then add a note."""
    column = find_folder_split(arguments, collection)
    if column is None or arguments.split_column is not None:
        return collection
    asked = [_option(name) for name in _ASK_FOR_FOLDS if getattr(arguments, name)]
    if asked:
        return collection.noted(f"the official split is not used, because {' and '.join(asked)} asked for other folds")
    arguments.split_column = column
    return collection


def _command_line(argv: Sequence[str]) -> str:
    """Write the command as a shell takes it, with the secrets of URLs masked."""
    from ..images.remote import mask

    return shlex.join(["twoflow", "cv", *map(mask, argv)])


def _generated_shop(seed: int) -> ImageCollection:
    """Generate a shop of images in memory.

    The content of the files is kept, not their paths: the folder is temporary, and workers may not see it.
    """
    from ..images import ImageCollection, make_shop
    from ..images.reading import read_content

    with tempfile.TemporaryDirectory(prefix="twoflow-shop-") as folder:
        shop = make_shop(_N_CLASSES, _N_PER_CLASS, folder=folder, random_state=seed)
        return ImageCollection([read_content(path) for path in shop.paths], shop.labels)
