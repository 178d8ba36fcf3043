"""What the commands have in common: which pictures, and one line in place of a traceback.

The commands import the rest of the package inside their functions, under `run`: loading it takes a second or two, and a
Ctrl-C in that time is to end as quietly as one later.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from .images import ImageCollection
    from .store import FeatureStore


class CommandParser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all errors of the commands."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def at_least(least: int) -> Callable[[str], int]:
    """A type for arguments: an integer of at least this."""

    def parse(text: str) -> int:
        if int(text) < least:
            raise ValueError
        return int(text)

    parse.__name__ = f"integer of at least {least}"  # what argparse says was expected
    return parse


def add_collection_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say which pictures and labels a command works on."""
    group = parser.add_argument_group("pictures")
    group.add_argument(
        "images", metavar="IMAGES", nargs="?",
        help="folder of class folders (IMAGES/<class>/*.jpg or IMAGES/<superclass>/<class>/*.jpg), "
             "or with --labels the folder that the table's paths are relative to; a path, or a URL that fsspec knows "
             "(s3://, gs://, ...: twoflow[remote])",
    )
    group.add_argument(
        "--labels", metavar="CSV", help="table of paths or URLs and classes, UTF-8, with a header; a path or a URL"
    )
    group.add_argument(
        "--allow-hosts", metavar="HOST,...", type=lambda text: text.split(","),
        help="names, addresses or networks of web servers that images may be read from although their addresses are "
             "not public (default: none)",
    )
    group.add_argument("--image-column", metavar="COLUMN", default="path", help="its column of paths (default: path)")
    group.add_argument("--label-column", metavar="COLUMN", help="its column of classes (default: class)")
    group.add_argument(
        "--levels", metavar="BROAD,...,CLASS", type=lambda text: text.split(","),
        help="its columns of a hierarchy from broad to fine, the last being the class, in place of --label-column",
    )
    group.add_argument(
        "--group-column", metavar="COLUMN",
        help="its column of groups: pictures of one group (the same item, the same seller) are never on both sides "
             "of a fold",
    )
    group.add_argument(
        "--min-per-class", metavar="N", type=at_least(1), default=1,
        help="leave out classes with fewer pictures, and list them (default: 1)",
    )
    group.add_argument(
        "--split-column", metavar="COLUMN",
        help="its column of an official split: fit on the rows that say train, test on those that say test, "
             "instead of drawing folds",
    )


def allow_named_hosts(arguments: argparse.Namespace) -> None:
    """Let images be read from the hosts of --allow-hosts; without it, from those of the environment variable."""
    from .images import allow_hosts

    if arguments.allow_hosts is not None:
        allow_hosts(*arguments.allow_hosts)


def load_collection(arguments: argparse.Namespace) -> ImageCollection | None:
    """The pictures that the arguments name; None if they name none."""
    from .images import load_folder, load_table

    if arguments.labels is None:
        for name in ("label_column", "levels", "group_column", "split_column"):
            if getattr(arguments, name) is not None:
                raise ValueError(f"--{name.replace('_', '-')} needs --labels, the table that has the column")
        return None if arguments.images is None else load_folder(arguments.images)
    if arguments.images is None:
        raise ValueError("--labels needs IMAGES, the folder that the table's paths are relative to")
    if arguments.levels and arguments.label_column:
        raise ValueError("--levels names the column of classes as its last, so --label-column must not name one too")
    *broad, label_column = arguments.levels or [arguments.label_column or "class"]
    return load_table(
        arguments.labels,
        arguments.images,
        path_column=arguments.image_column,
        label_column=label_column,
        group_column=arguments.group_column,
        columns=[*broad, *([arguments.split_column] if arguments.split_column else [])],
    )


def load_superclasses(arguments: argparse.Namespace, collection: ImageCollection) -> dict | None:
    """The superclass of each class, from --levels or from folders in folders; None where there is neither."""
    broad = (arguments.levels or [])[:-1] or [column for column in ("superclass",) if column in collection.columns]
    return collection.superclasses(broad[-1]) if broad else None


def add_network_argument(group: argparse._ArgumentGroup) -> None:
    """The argument that says which pretrained network to use."""
    from .networks import NETWORKS

    group.add_argument(
        "--network", metavar="NAME|PATH", default="efficientnet-lite0",
        help=f"pretrained network: {', '.join(NETWORKS)}; or the path of an .onnx file, or of an MXNet symbol or a "
             "folder with one and its .params; python -m twoflow.networks lists what is installed "
             "(default: %(default)s)",
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say how a command runs."""
    group = parser.add_argument_group("run")
    workers = group.add_mutually_exclusive_group()
    workers.add_argument("--jobs", metavar="N", type=at_least(1), default=str(os.cpu_count()),
                         help="pictures and folds worked on at the same time (default: every core); "
                              "the scores do not depend on it")
    workers.add_argument("--scheduler", metavar="ADDRESS",
                         help="Dask scheduler, such as tcp://host:8786, whose workers do the work, on all the threads "
                              "they have (twoflow[dask]); pictures and networks that are paths must lie on a disk "
                              "that the workers see under the same path, and what is pickled is trusted: in a network "
                              "of your own only")
    store = group.add_mutually_exclusive_group()
    store.add_argument("--store", metavar="DIR", help="folder that keeps features, so that none is computed twice "
                                                      "(default: twoflow's in your cache folder)")
    store.add_argument("--no-store", action="store_true", help="compute every feature, and keep none")
    group.add_argument("--quiet", action="store_true", help="no progress")


def make_paths_absolute(arguments: argparse.Namespace, *names: str) -> None:
    """Make those arguments that are paths absolute if there is a scheduler: its workers have other working folders."""
    from .images.remote import is_url

    for name in names:
        path = getattr(arguments, name)
        if arguments.scheduler is not None and path is not None and not is_url(path) and os.path.exists(path):
            setattr(arguments, name, os.path.abspath(path))


def open_store(arguments: argparse.Namespace) -> FeatureStore | None:
    """The store that the arguments name; None with --no-store."""
    from .store import FeatureStore

    return None if arguments.no_store else FeatureStore(arguments.store)


def run(main: Callable[[Sequence[str] | None], None], argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    0; 2 for input that cannot be worked on, 130 for Ctrl-C, and 141 where nobody reads what it prints.
    """
    try:
        from .images import UnreadableImagesWarning
        from .store import StoreWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnreadableImagesWarning)  # the commands list every such picture themselves
            warnings.filterwarnings("ignore", module="PIL")  # damaged metadata of pictures that can be read
            warnings.simplefilter("always", StoreWarning)  # a line, and never the end of the work
            warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
            main(argv)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        return 141  # as the shell has it of a program that such a pipe has ended
    except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        print(f"error: {text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return 130
    return 0
