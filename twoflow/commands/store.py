"""Show or prune what is kept on disk: ``twoflow store``."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .._text import listed
from .arguments import CommandParser, size

if TYPE_CHECKING:
    from ..store.database import Pruned, StoredFlow, StoredResults
    from ..store.feature_store import FeatureStore
    from ..store.trainings import StoredTrainings, Trainings


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    parser = CommandParser(
        prog="twoflow store",
        description="Show or prune the store: features, finished folds and trainings, kept on disk so that none is "
                    "computed twice.\nWhat is removed is computed again when it is needed.",
        examples=["twoflow store info", "twoflow store prune --older-than 90 --max-size 2G", "twoflow store clear"],
    )
    parser.add_argument("--store", metavar="DIR",
                        help="folder of the store (default: twoflow's folder in your cache folder)")
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    for name, what in (
        ("info", "show the folder, its size, the features of each flow, the finished folds, and the trainings"),
        ("clear", "remove everything"),
        ("prune", "remove what has not been used for long"),
    ):
        actions.add_parser(name, help=what, description=f"{what.capitalize()}.")
    prune = actions.choices["prune"]
    prune.add_argument("--older-than", metavar="DAYS", type=_days,
                       help="remove what was last used more than DAYS days ago (default: no limit)")
    prune.add_argument(
        "--max-size", metavar="SIZE", type=size,
        help="then remove the longest unused, until the rest takes at most SIZE: 500M, 2G, or a number of bytes; first "
             "trainings, then the others (default: no limit)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Open the store and carry out the action."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if arguments.action == "prune" and arguments.older_than is None and arguments.max_size is None:
        parser.error("prune needs --older-than, --max-size or both")

    from ..store.feature_store import FeatureStore

    store = FeatureStore(arguments.store)
    if not store.exists():
        print(f"{store.folder}: no store")
        return
    _ACTIONS[arguments.action](store, arguments)


def _info(store: FeatureStore, arguments: Namespace) -> None:
    flows, results, trainings = store.flows(), store.results(), _trainings(store).describe()
    print(f"{store.folder}: {_n_bytes(store) / 1e6:,.1f} MB")
    for flow in flows:
        print(f"{flow.n_images:>10,} {'image ' if flow.n_images == 1 else 'images'} {_size_and_day(flow)}  {flow.name}")
    if results.n_results:
        folds = "fold " if results.n_results == 1 else "folds"
        print(f"{results.n_results:>10,} {folds}  {_size_and_day(results)}  finished folds of comparisons")
    if trainings.n_trainings:
        what = "training " if trainings.n_trainings == 1 else "trainings"
        print(f"{trainings.n_trainings:>6,} {what}  {_size_and_day(trainings)}  networks that were fine-tuned, or are")


def _size_and_day(stored: StoredFlow | StoredResults | StoredTrainings) -> str:
    used = time.strftime("%Y-%m-%d", time.gmtime(stored.day * 86_400))
    return f"{stored.n_bytes / 1e6:>10,.1f} MB  last used {used}"


def _clear(store: FeatureStore, arguments: Namespace) -> None:
    n_trainings = _trainings(store).prune(max_bytes=0)
    _report(store, store.prune(max_bytes=0), n_trainings)


def _prune(store: FeatureStore, arguments: Namespace) -> None:
    trainings, most = _trainings(store), arguments.max_size
    n_trainings = trainings.prune(arguments.older_than, None if most is None else max(0, most - store.n_bytes))
    left = trainings.describe().n_bytes
    pruned = store.prune(arguments.older_than, None if most is None else max(0, most - left))
    _report(store, pruned, n_trainings)


def _report(store: FeatureStore, pruned: Pruned, n_trainings: int) -> None:
    counts = {"feature vectors": pruned.n_vectors, "finished folds": pruned.n_results, "trainings": n_trainings}
    removed = listed(f"{count:,} {what}" for what, count in counts.items())
    print(f"{store.folder}: removed {removed}, {_n_bytes(store) / 1e6:,.1f} MB left")


def _trainings(store: FeatureStore) -> Trainings:
    from ..store.trainings import Trainings

    return Trainings(store.folder)


def _n_bytes(store: FeatureStore) -> int:
    return store.n_bytes + _trainings(store).describe().n_bytes


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1
    if not 0 <= days < 1e6:
        raise ArgumentTypeError(f"expected a number of days, such as 90, got {text!r}")
    return days


_ACTIONS: dict[str, Callable[[FeatureStore, Namespace], None]] = {"info": _info, "clear": _clear, "prune": _prune}
