"""Show or prune the features kept on disk: ``twoflow store``."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .arguments import CommandParser

if TYPE_CHECKING:
    from argparse import Namespace

    from ..store.feature_store import FeatureStore

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def make_parser() -> CommandParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="twoflow store",
        description="The features that are kept on disk, so that none is computed twice. Taking them out loses nothing "
                    "but the time to compute them again.",
    )
    parser.add_argument("--store", metavar="DIR", help="its folder (default: twoflow's in your cache folder)")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    commands.add_parser("info", help="where it is, how large, and what it holds of which flow")
    commands.add_parser("clear", help="take everything out")
    prune = commands.add_parser("prune", help="take out what has long not been used")
    prune.add_argument("--older-than", metavar="DAYS", type=_days, help="what was last used longer ago than that")
    prune.add_argument(
        "--max-size", metavar="SIZE", type=_size,
        help="the longest unused, until the rest takes no more than that: 500M, 2G, or bytes",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Open the store, and do what the command says."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if arguments.command == "prune" and arguments.older_than is None and arguments.max_size is None:
        parser.error("prune needs --older-than, --max-size or both")

    from ..store.feature_store import FeatureStore

    store = FeatureStore(arguments.store)
    if not store.exists():
        print(f"{store.folder}: no store")
        return
    _COMMANDS[arguments.command](store, arguments)


def _info(store: FeatureStore, arguments: Namespace) -> None:
    flows = store.flows()
    print(f"{store.folder}: {store.n_bytes / 1e6:,.1f} MB")
    for flow in flows:
        used = time.strftime("%Y-%m-%d", time.gmtime(flow.day * 86_400))
        print(f"{flow.n_images:>10,} images {flow.n_bytes / 1e6:>10,.1f} MB  last used {used}  {flow.name}")


def _clear(store: FeatureStore, arguments: Namespace) -> None:
    _report(store, store.prune(max_bytes=0))


def _prune(store: FeatureStore, arguments: Namespace) -> None:
    _report(store, store.prune(arguments.older_than, arguments.max_size))


def _report(store: FeatureStore, n_pruned: int) -> None:
    print(f"{store.folder}: {n_pruned:,} vectors taken out, {store.n_bytes / 1e6:,.1f} MB left")


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days < 1e6:
        raise ValueError
    return days


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip().upper())
    if match is None:
        raise ValueError
    return int(float(match[1]) * _UNITS[match[2]])


_days.__name__, _size.__name__ = "number of days", "size such as 500M or 2G"  # what argparse says was expected

_COMMANDS: dict[str, Callable[[FeatureStore, Namespace], None]] = {"info": _info, "clear": _clear, "prune": _prune}
