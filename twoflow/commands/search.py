"""Find images that look like others, as a model file sees them: ``twoflow search``."""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._text import counted
from ..errors import InputError
from .arguments import (
    CommandParser,
    add_hosts_argument,
    add_model_arguments,
    add_path_arguments,
    add_provider_argument,
    add_run_arguments,
    at_least,
    different_names,
)
from .loading import allow_named_hosts, choose_provider, open_model, open_store
from .output import Output, choose_output
from .program import print_to_reader

if TYPE_CHECKING:
    from ..models.model_file import ModelFile
    from ..similarity import SimilarImages

_ENDINGS = {"out": ".csv", "page": ".html"}
_ABOUT_TABLE = ("label_column", "group_column", "image_column", "image_pattern")


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    parser = CommandParser(
        prog="twoflow search",
        description="Find the images that are most similar to others: among the training images of a model file, in a "
                    "folder, or in a table.",
        examples=[
            "twoflow search shoes.twoflow new.jpg",
            "twoflow search shoes.twoflow new.jpg --in warehouse/ --top 10 --page found.html",
            "twoflow search shirts.twoflow new/ --labels shirts.csv --label-column type,color --filter color=red",
        ],
    )
    add_model_arguments(parser)
    group = parser.add_argument_group("images")
    group.add_argument(
        "images", metavar="IMAGE", nargs="+", type=os.path.expanduser,
        help="images to find others for: image files, folders, tables of paths (.csv or .tsv), or URLs (needs "
             "twoflow[remote])",
    )
    among = group.add_mutually_exclusive_group()
    among.add_argument(
        "--in", dest="gallery", metavar="FOLDER", type=os.path.expanduser,
        help="search the images of this folder, with all folders inside. What the model answers for them are their "
             "labels (default: the training images in the model file)",
    )
    among.add_argument(
        "--labels", metavar="CSV", type=os.path.expanduser,
        help="search the images of this table, which has their labels (default: the training images in the model file)",
    )
    add_path_arguments(group)
    group.add_argument("--label-column", metavar="COLUMN,...", type=different_names,
                       help="columns of labels in the table of --labels (default: class)")
    group.add_argument("--group-column", metavar="COLUMN",
                       help="column of items in the table of --labels, for --unique (default: no items)")
    add_hosts_argument(group)
    group = parser.add_argument_group("search")
    group.add_argument("--top", metavar="K", type=at_least(1), default=5,
                       help="how many images to find for each; all, if there are fewer (default: %(default)s)")
    group.add_argument(
        "--filter", metavar="TARGET=LABEL", action="append", default=[],
        help="find only images with this label, such as color=red; repeat it for several targets (default: all images)",
    )
    group.add_argument("--unique", action="store_true",
                       help="find only the most similar photo of each item (default: all photos)")
    group = parser.add_argument_group("results")
    group.add_argument("--out", metavar="FILE", type=os.path.expanduser,
                       help="table to write, FILE.csv (default: print only)")
    group.add_argument("--page", metavar="FILE", type=os.path.expanduser,
                       help="page with the images to write, FILE.html (default: none)")
    add_provider_argument(add_run_arguments(parser, out="file"))
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Search, print what was found, and write it."""
    arguments = make_parser().parse_intermixed_args(argv)  # images may follow options
    where = _check(arguments)

    from ..images.reading import UnreadableImagesWarning
    from ..predicting.inputs import open_inputs
    from ..report.search import describe_search, format_search, search_page, search_table
    from .dask_scheduler import connected

    allow_named_hosts(arguments)
    choose_provider(arguments)
    outputs = {
        name: choose_output(argparse.Namespace(out=path, overwrite=arguments.overwrite))
        for name in _ENDINGS if (path := getattr(arguments, name)) is not None
    }
    model_file = open_model(arguments)
    inputs = open_inputs(arguments.images, absolute=arguments.scheduler is not None)
    items = list(inputs)
    names, images = [item.name for item in items], [item.images[0] for item in items]
    with connected(arguments.scheduler), warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreadableImagesWarning)  # each is named below
        index, notes = _open_gallery(arguments, model_file)
        conditions: dict[str, Any] = {"where": where or None, "unique": arguments.unique}
        n = index.count(**conditions)
        if n < arguments.top:
            notes.append(f"only {counted(n, 'item' if arguments.unique else 'image')} to find")
        found = index.nearest(images, min(n, arguments.top), **conditions, without=_find_own(index, names))
    if len(found.errors) == len(images):
        raise InputError(
            f"expected images that can be read, got {counted(len(images), 'image')} that cannot; the first: "
            f"{found.errors[0]}; name others"
        )
    notes += [f"passed over: {each}" for each in inputs.passed_over]
    thumbnails = None if arguments.gallery or arguments.labels else model_file.gallery
    gone = print_to_reader("\n".join([format_search(names, found, index), *describe_search(index, notes)]))
    contents = {
        "out": lambda: search_table(names, found, index),
        "page": lambda: search_page(names, images, found, index, thumbnails, notes),
    }
    for name, output in outputs.items():
        _write(output, contents[name]())
    if gone is not None:
        raise gone
    for output in outputs.values():
        print(f"Written to {output.path}{output.note}")


def _check(arguments: argparse.Namespace) -> dict[str, str]:
    """Raise an error for arguments that do not fit together; return the labels of --filter by target."""
    for name in _ABOUT_TABLE:
        if getattr(arguments, name) is not None and arguments.labels is None:
            raise InputError(f"--{name.replace('_', '-')} needs --labels, a table of images and labels")
    for name, ending in _ENDINGS.items():
        path = getattr(arguments, name)
        if path is not None and Path(path).suffix.lower() != ending:
            raise InputError(f"--{name}: expected a name that ends in {ending}, got {path}; rename it")
    where: dict[str, str] = {}
    for given in arguments.filter:
        target, sign, label = given.partition("=")
        if not sign or not target.strip() or not label.strip() or target.strip() in where:
            raise InputError(f"--filter: expected TARGET=LABEL, each target once, such as color=red, got {given!r}")
        where[target.strip()] = label.strip()
    return where


def _open_gallery(arguments: argparse.Namespace, model_file: ModelFile) -> tuple[SimilarImages, list[str]]:
    """Return the images to search, and notes on those that are not."""
    from ..images import load_table
    from ..predicting.inputs import open_inputs
    from ..predicting.sample import label_names
    from ..similarity import SimilarImages

    options = {
        "n_jobs": arguments.jobs, "store": open_store(arguments), "on_error": "nan", "verbose": not arguments.quiet,
    }
    if arguments.labels is not None:
        collection = load_table(
            arguments.labels, path_column=arguments.image_column or "path", image_pattern=arguments.image_pattern,
            label_column=arguments.label_column, group_column=arguments.group_column,
        )
        index = SimilarImages(model_file.model, **options).fit(collection)
        left_out = [f"left out: {error}" for error in collection.unreadable]
        return index, [*collection.notes, *left_out]
    if arguments.gallery is not None:
        inputs = open_inputs([arguments.gallery], absolute=arguments.scheduler is not None)
        index = SimilarImages(model_file.model, **options).fit([item.images[0] for item in inputs])
        return index.renamed(label_names(model_file.card)), [
            f"passed over: {each}" for each in inputs.passed_over
        ]
    return SimilarImages.of_model_file(model_file, **options), []


def _find_own(index: SimilarImages, names: Sequence[str]) -> list[int]:
    """Return the position of each query in the gallery; -1 for one that is not there, or that is no local file."""
    places = {os.path.realpath(name): place for place, name in enumerate(index.names_) if os.path.exists(name)}
    return [places.get(os.path.realpath(name), -1) for name in names]


def _write(output: Output, text: str) -> None:
    from ..report.atomic import replace_files

    replace_files(output.path.parent, {output.path.name: text})
