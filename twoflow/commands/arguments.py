"""The arguments that commands have in common, and what they stand for."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from .._text import printable
from ..errors import InputError

if TYPE_CHECKING:
    from ..images import ImageCollection
    from ..store import FeatureStore


class CommandParser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all errors of the commands."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {printable(message)}; see {self.prog} --help\n")


def at_least(least: int) -> Callable[[str], int]:
    """A type for arguments: an integer of at least this."""

    def parse(text: str) -> int:
        if int(text) < least:
            raise ValueError
        return int(text)

    parse.__name__ = f"integer of at least {least}"  # what argparse says was expected
    return parse


def add_collection_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say which images and labels a command works on."""
    group = parser.add_argument_group("images")
    group.add_argument(
        "images", metavar="IMAGES", nargs="?", type=os.path.expanduser,
        help="folder of class folders (IMAGES/<class>/*.jpg or IMAGES/<superclass>/<class>/*.jpg), "
             "or with --labels the folder that the table's paths are relative to; a path, or a URL that fsspec knows "
             "(s3://, gs://, ...: twoflow[remote])",
    )
    group.add_argument(
        "--labels", metavar="CSV", type=os.path.expanduser,
        help="table of paths or URLs and classes, UTF-8, with a header; a path or a URL. Without IMAGES its paths are "
             "relative to its own folder, or absolute",
    )
    images = group.add_mutually_exclusive_group()
    images.add_argument("--image-column", metavar="COLUMN", help="its column of paths (default: path)")
    images.add_argument(
        "--image-pattern", metavar="PATTERN",
        help="paths made of its columns instead, in braces, such as images/{id}.jpg",
    )
    group.add_argument(
        "--missing", choices=("leave-out", "error"),
        help="what becomes of rows whose image is not there: they are left out and listed, or an error "
             "(default: leave-out)",
    )
    group.add_argument(
        "--allow-hosts", metavar="HOST,...", type=lambda text: text.split(","),
        help="names, addresses or networks of web servers that images may be read from although their addresses are "
             "not public (default: none)",
    )
    group.add_argument("--label-column", metavar="COLUMN", help="its column of classes (default: class)")
    group.add_argument(
        "--levels", metavar="BROAD,...,CLASS", type=lambda text: text.split(","),
        help="its columns of a hierarchy from broad to fine, the last being the class, in place of --label-column",
    )
    group.add_argument(
        "--group-column", metavar="COLUMN",
        help="its column of groups: images of one group (the same item, the same seller) are never on both sides "
             "of a fold",
    )
    group.add_argument(
        "--min-per-class", metavar="N", type=at_least(1), default=1,
        help="leave out classes with fewer images, and list them (default: 1)",
    )
    group.add_argument(
        "--split-column", metavar="COLUMN",
        help="its column of an official split: fit on the rows that say train, test on those that say test, "
             "instead of drawing folds; without --labels, split for the split of folders called train, test, ...",
    )


def allow_named_hosts(arguments: argparse.Namespace) -> None:
    """Let images be read from the hosts of --allow-hosts; without it, from those of the environment variable."""
    from ..images import allow_hosts

    if arguments.allow_hosts is not None:
        allow_hosts(*arguments.allow_hosts)


def load_collection(arguments: argparse.Namespace) -> ImageCollection | None:
    """The images that the arguments name; None if they name none."""
    from ..images import load_table

    if arguments.labels is None:
        return _load_folder(arguments)
    if arguments.levels and arguments.label_column:
        raise InputError("--levels names the column of classes as its last, so --label-column must not name one too")
    *broad, label_column = arguments.levels or [arguments.label_column or "class"]
    return load_table(
        arguments.labels,
        arguments.images,
        path_column=arguments.image_column or "path",
        image_pattern=arguments.image_pattern,
        missing=arguments.missing or "leave-out",
        label_column=label_column,
        group_column=arguments.group_column,
        columns=[*broad, *([arguments.split_column] if arguments.split_column else [])],
    )


def _load_folder(arguments: argparse.Namespace) -> ImageCollection | None:
    from ..images import load_folder

    for name in ("label_column", "levels", "group_column", "image_column", "image_pattern", "missing"):
        if getattr(arguments, name) is not None:
            raise InputError(f"--{name.replace('_', '-')} needs --labels, a table of paths and classes")
    collection = None if arguments.images is None else load_folder(arguments.images)
    column = arguments.split_column
    if column is not None and (collection is None or column not in collection.columns):
        raise InputError(
            "--split-column needs --labels, the table that has the column; or IMAGES with the folders train and test, "
            "which are the column split"
        )
    return collection


def split_of_folders(arguments: argparse.Namespace, collection: ImageCollection) -> str | None:
    """The column of an official split that the folders of IMAGES are; None if they are none."""
    from ..images.folders import SPLIT_COLUMN

    return SPLIT_COLUMN if arguments.labels is None and SPLIT_COLUMN in collection.columns else None


def load_superclasses(arguments: argparse.Namespace, collection: ImageCollection) -> dict | None:
    """The superclass of each class, from --levels or from folders in folders; None where there is neither."""
    broad = (arguments.levels or [])[:-1] or [column for column in ("superclass",) if column in collection.columns]
    return collection.superclasses(broad[-1]) if broad else None


def add_network_argument(group: argparse._ArgumentGroup) -> None:
    """The argument that says which pretrained network to use."""
    from ..networks import NETWORKS

    group.add_argument(
        "--network", metavar="NAME|PATH", type=os.path.expanduser, default="efficientnet-lite0",
        help=f"pretrained network: {', '.join(NETWORKS)}; or the path of an .onnx file, or of an MXNet symbol or a "
             "folder with one and its .params; twoflow networks lists what is installed "
             "(default: %(default)s)",
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say how a command runs."""
    group = parser.add_argument_group("run")
    workers = group.add_mutually_exclusive_group()
    workers.add_argument("--jobs", metavar="N", type=at_least(1), default=str(os.cpu_count()),
                         help="images and folds worked on at the same time (default: every core); "
                              "the scores do not depend on it")
    workers.add_argument("--scheduler", metavar="ADDRESS",
                         help="Dask scheduler, such as tcp://host:8786, whose workers do the work, on all the threads "
                              "they have (twoflow[dask]); images and networks that are paths must lie on a disk "
                              "that the workers see under the same path, and what is pickled is trusted: in a network "
                              "of your own only")
    store = group.add_mutually_exclusive_group()
    store.add_argument("--store", metavar="DIR", type=os.path.expanduser,
                       help="folder that keeps features, so that none is computed twice (default: twoflow's in your "
                            "cache folder)")
    store.add_argument("--no-store", action="store_true", help="compute every feature, and keep none")
    group.add_argument("--quiet", action="store_true", help="no progress")


def make_paths_absolute(arguments: argparse.Namespace, *names: str) -> None:
    """Make those arguments that are paths absolute if there is a scheduler: its workers have other working folders."""
    from ..images.remote import is_url

    for name in names:
        path = getattr(arguments, name)
        if arguments.scheduler is not None and path is not None and not is_url(path) and os.path.exists(path):
            setattr(arguments, name, os.path.abspath(path))


def open_store(arguments: argparse.Namespace) -> FeatureStore | None:
    """The store that the arguments name; None with --no-store."""
    from ..store import FeatureStore

    return None if arguments.no_store else FeatureStore(arguments.store)
