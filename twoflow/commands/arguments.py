"""Declare the arguments that commands share; `loading` opens what they name."""

from __future__ import annotations

import argparse
import csv
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from .._text import printable

#: The network that `--network` names by default.
DEFAULT_NETWORK = "efficientnet-lite0"

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class CommandParser(argparse.ArgumentParser):
    """Parse a command's arguments; an error is one line, like all errors of the commands.

    Parameters
    ----------
    examples : sequence of str
        Command lines to show at the end of the help. Default: none.
    **options
        Those of `argparse.ArgumentParser`. The description and the epilog keep their line breaks.
    """

    def __init__(self, *, examples: Sequence[str] = (), **options: Any) -> None:
        if examples:
            options["epilog"] = "\n  ".join(["examples:", *examples])
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the arguments; a negative number is the value of the option before it, also if ``-0`` is an option."""
        return super().parse_known_args(_join_negative(args), namespace)

    def parse_known_intermixed_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the arguments; those without a name may follow options. See `parse_known_args`."""
        return super().parse_known_intermixed_args(_join_negative(args), namespace)

    def error(self, message: str) -> NoReturn:
        """Print the message as one line to stderr, and exit with status 2."""
        self.exit(2, f"error: {printable(message)}; see {self.prog} --help\n")


_NEGATIVE = re.compile(r"-(\d+\.?\d+|\d*\.\d+|[1-9])(e[+-]?\d+)?", re.IGNORECASE)


def _join_negative(arguments: Sequence[str] | None) -> list[str]:
    """Write ``--option -1`` as ``--option=-1``, because argparse may take the number for another option."""
    joined: list[str] = []
    for argument in sys.argv[1:] if arguments is None else arguments:
        before = joined[-1] if joined else ""
        if before.startswith("--") and "=" not in before and len(before) > 2 and _NEGATIVE.fullmatch(argument):
            joined[-1] = f"{before}={argument}"
        else:
            joined.append(argument)
    return joined


def at_least(least: int) -> Callable[[str], int]:
    """Make an argument type that takes integers of at least `least`."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"expected an integer of at least {least}, got {text!r}")
        return number

    return parse


def up_to(most: int, what: str = "a number") -> Callable[[str], float]:
    """Make an argument type that takes numbers from 0 to `most`; `what` is what they are, for errors."""

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not 0 <= number <= most:
            raise argparse.ArgumentTypeError(f"expected {what} from 0 to {most}, got {text!r}")
        return number

    return parse


#: The argument type of shares and probabilities.
share = up_to(1)


def names(text: str) -> list[str]:
    """Split an argument at its commas, each name without blanks around it; none may be empty.

    A name that has commas is in double quotes, as in a CSV file.
    """
    try:
        found = [name.strip() for name in next(csv.reader([text], skipinitialspace=True, strict=True), [])]
    except csv.Error:  # such as a quote that does not end
        found = []
    if not found or not all(found):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, got {text!r}")
    return found


def different_names(text: str) -> list[str]:
    """Split an argument as `names` does; no name may occur twice."""
    found = names(text)
    if len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"expected different names with commas between them, got {text!r}")
    return found


def class_weights(text: str) -> str | dict[str, float]:
    """Parse class weights: "balanced", or CLASS=WEIGHT for some classes, with commas between them."""
    if text.strip() == "balanced":
        return "balanced"
    found: dict[str, float] = {}
    for item in names(text):
        label, _, weight = item.rpartition("=")
        label = label.strip()
        try:
            found["" if label in found else label] = float(weight)
        except ValueError:
            found[""] = 0.0
    if "" in found or not all(0 < weight < float("inf") for weight in found.values()):
        raise argparse.ArgumentTypeError(
            f"expected balanced, or each class once with a weight above 0, such as boots=5,clogs=2, got {text!r}"
        )
    return found


def networks(text: str) -> str | list[str]:
    """Split an argument into names and paths of networks, as `names` does; return one as it is, several as a list."""
    whole = os.path.expanduser(text)
    if "," in whole and os.path.exists(whole):
        raise argparse.ArgumentTypeError(
            f"expected a path with a comma in double quotes, got {text!r}; write '\"{text}\"'"
        )
    found = [os.path.expanduser(name) for name in names(text)]
    return found[0] if len(found) == 1 else found


def size(text: str) -> int:
    """Parse a number of bytes, such as 500M or 2G."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip().upper())
    if match is None:
        raise argparse.ArgumentTypeError(f"expected a size, such as 500M, 2G or a number of bytes, got {text!r}")
    return int(float(match[1]) * _UNITS[match[2]])


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a model file; `open_model` opens it."""
    group = parser.add_argument_group("model")
    group.add_argument("model", metavar="MODEL", type=os.path.expanduser,
                       help="model file, NAME.twoflow, as twoflow train writes it")
    add_opening_arguments(group)


def add_opening_arguments(group: argparse._ActionsContainer) -> None:
    """Add the arguments that say how a model file is opened; see `open_model`."""
    group.add_argument("--digest", metavar="SHA256",
                       help="SHA-256 that the model file must have (default: any)")
    group.add_argument(
        "--networks", metavar="PATH", action="append", type=os.path.expanduser, default=[],
        help="file of a network that the model needs and that is not inside the model file; repeat it for several "
             "(default: none)",
    )


def add_balance_arguments(group: argparse._ActionsContainer) -> None:
    """Add the arguments that say how much the images of rare and of frequent classes count."""
    group.add_argument(
        "--class-weight", metavar="WEIGHT", type=class_weights,
        help="how much an image of each class counts: balanced, so that all classes count the same, or "
             "CLASS=WEIGHT,..., with 1 for the classes that are not named (default: all images count the same)",
    )
    group.add_argument(
        "--max-per-class", metavar="N", type=at_least(1),
        help="learn from at most N images of each class, drawn at random (default: all images)",
    )


def add_threshold_argument(group: argparse._ActionsContainer) -> None:
    """Add the argument that replaces the threshold of the model file; see `open_model`."""
    group.add_argument(
        "--threshold", metavar="T", type=share,
        help="below this confidence, answer with a broader class or with unknown; 0 answers always, except images that "
             "the model recognizes as out of scope (default: the model's own threshold, if it has one)",
    )


def add_collection_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name the images and their labels."""
    group = parser.add_argument_group("images")
    group.add_argument(
        "images", metavar="IMAGES", nargs="?", type=os.path.expanduser,
        help="folder of class folders: IMAGES/<class>/*.jpg or IMAGES/<superclass>/<class>/*.jpg. With --labels: the "
             "folder that the paths in the table are relative to. A path, or a URL that fsspec can open (s3://, "
             "gs://, ...: needs twoflow[remote])",
    )
    group.add_argument(
        "--labels", metavar="CSV", type=os.path.expanduser,
        help="table with a header, in UTF-8, that names each image (a path or URL) and its class. A path or a URL. "
             "Without IMAGES, paths in the table are absolute or relative to the table's folder (default: the class "
             "folders are the labels)",
    )
    add_path_arguments(group)
    group.add_argument(
        "--missing", choices=("leave-out", "error"),
        help="what to do if an image in the table does not exist: leave-out leaves it out and lists it, error stops "
             "(default: leave-out)",
    )
    add_hosts_argument(group)
    group.add_argument(
        "--label-column", metavar="COLUMN,...", type=different_names,
        help="column of classes in the table; several columns are several targets. A name with "
             "a comma is in double quotes (default: class)",
    )
    group.add_argument(
        "--levels", metavar="BROAD,...,FINE", type=different_names,
        help="levels of a hierarchy, from broad to fine: columns of the table, in place of --label-column; without "
             "--labels, names for the folders IMAGES/<BROAD>/.../<FINE>/*.jpg. Finer labels may be missing (default: "
             "no hierarchy, or that of IMAGES/<superclass>/<class>)",
    )
    group.add_argument(
        "--group-column", metavar="COLUMN",
        help="column of groups in the table, such as the item or the seller. Images of one group are never on both "
             "sides of a fold; an official split is used as it is, and groups on both sides are counted (default: no "
             "groups)",
    )
    group.add_argument(
        "--min-per-class", metavar="N", type=at_least(1), default=1,
        help="leave out classes with fewer than N images, and list them (default: 1, which keeps all)",
    )
    group.add_argument(
        "--split-column", metavar="COLUMN",
        help="column of an official split in the table: rows that say train are trained on, rows that say test are "
             "tested, and no folds are drawn. Without --labels, IMAGES may hold the folders train, test, ...: their "
             "column is named split (default: split if there are such folders, else none)",
    )


def add_network_argument(group: argparse._ArgumentGroup) -> None:
    """Add the arguments that name the pretrained networks, and what runs them."""
    from ..networks import NETWORKS

    group.add_argument(
        "--network", metavar="NAME|PATH,...", type=networks, default=DEFAULT_NETWORK,
        help=f"pretrained network that computes the features, or several, with commas between them: "
             f"{', '.join(NETWORKS)}; the path of an .onnx file, of a folder as hubs have it, of an MXNet symbol, or "
             "of a folder with a symbol and its .params; or hf://ORGANIZATION/NAME@REVISION (needs twoflow[hub]). A "
             "path with a comma is in double quotes. twoflow networks says what is installed, and what is in a file "
             "(default: %(default)s)",
    )
    add_provider_argument(group)


def add_provider_argument(group: argparse._ActionsContainer) -> None:
    """Add the argument that says what computes networks; `loading.choose_provider` takes it."""
    from ..networks import PROVIDERS

    group.add_argument(
        "--provider", choices=PROVIDERS,
        help="what computes the networks: auto takes a graphics card that onnxruntime can use and that agrees with the "
             "processor, else the processor (default: the environment variable TWOFLOW_PROVIDER, or auto)",
    )


#: What --overwrite replaces, and what is written without it, if --out names a folder or a file.
_EARLIER = {
    "folder": ("an earlier report in the folder of --out", "to a new folder beside it, such as NAME-2"),
    "file": ("an earlier file at --out", "to a new file beside it, such as NAME-2.csv"),
}


def add_run_arguments(parser: argparse.ArgumentParser, out: str = "folder") -> argparse._ArgumentGroup:
    """Add the arguments that say where and how the command runs; --out names a "folder" (default) or a "file".

    Returns
    -------
    argument group
        Where further ones can be added.
    """
    group = parser.add_argument_group("run")
    workers = group.add_mutually_exclusive_group()
    workers.add_argument("--jobs", metavar="N", type=at_least(1), default=str(os.cpu_count()),
                         help="images or folds to process at the same time. The results do not depend on it "
                              "(default: every core)")
    workers.add_argument("--scheduler", metavar="ADDRESS",
                         help="Dask scheduler, such as tcp://host:8786. Its workers do the work, on all their "
                              "threads, and must see images and networks under the same paths. Both sides unpickle "
                              "what they receive: use it only in a network that you trust. Needs twoflow[dask] "
                              "(default: work on this machine)")
    store = group.add_mutually_exclusive_group()
    store.add_argument("--store", metavar="DIR", type=os.path.expanduser,
                       help="folder that keeps features, so that none is computed twice (default: twoflow's folder "
                            "in your cache folder)")
    store.add_argument("--no-store", action="store_true",
                       help="compute every feature and keep none (default: use the store)")
    add_overwrite_argument(group, out)
    group.add_argument("--quiet", action="store_true",
                       help="show no progress (default: show it on stderr: a bar on a terminal, elsewhere a line now "
                            "and then)")
    return group


def add_overwrite_argument(group: argparse._ActionsContainer, out: str = "folder") -> None:
    """Add the argument that lets a command replace what is at --out, a "folder" (default) or a "file"."""
    replaced, beside = _EARLIER[out]
    group.add_argument("--overwrite", action="store_true",
                       help=f"replace {replaced} (default: ask; without a terminal, write {beside})")


def add_path_arguments(group: argparse._ArgumentGroup) -> None:
    """Add the arguments that say where a table has the paths of its images."""
    paths = group.add_mutually_exclusive_group()
    paths.add_argument("--image-column", metavar="COLUMN", help="column of image paths in the table (default: path)")
    paths.add_argument(
        "--image-pattern", metavar="PATTERN",
        help="build each image path from columns of the table, in braces, such as images/{id}.jpg, or images/{id}.* if "
             "the endings differ (default: use --image-column)",
    )


def add_hosts_argument(group: argparse._ActionsContainer) -> None:
    """Add the argument that allows web servers in one's own network."""
    group.add_argument(
        "--allow-hosts", metavar="HOST,...", type=names,
        help="web servers in your own network that images may be read from: names, addresses or networks. Public "
             "servers are always allowed (default: the environment variable TWOFLOW_ALLOW_HOSTS, or none)",
    )
