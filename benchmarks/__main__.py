"""Run the benchmarks from a checkout: ``python -m benchmarks``."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

from twoflow.commands.arguments import CommandParser, at_least
from twoflow.commands.program import run

#: The modules, in the order in which they run.
BENCHMARKS = (
    "startup", "first_command", "embedding", "projection", "cluster", "comparison", "store", "scaling", "two_flow",
    "recipes", "kernel_ridge", "search", "serving", "fine_tuning",
)

#: Largest load (the last minute's mean number of processes that want a core) that does not disturb the figures.
_QUIET_LOAD = 0.5


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    parser = CommandParser(
        prog="python -m benchmarks",
        description="Measure twoflow's speed against its peers and against limits, on generated photographs of 640 x "
                    "480.\nAll contestants take turns in one run. Stop other work meanwhile.\n"
                    "Sizes are chosen for about ten minutes on two cores, and 1 GB of disk.",
        examples=["python -m benchmarks", "python -m benchmarks startup store --quick"],
    )
    parser.add_argument(
        "benchmarks", metavar="BENCHMARK", nargs="*", help=f"what to measure: {', '.join(BENCHMARKS)} (default: all)"
    )
    parser.add_argument("--quick", action="store_true",
                        help="use tiny sizes, to see whether the benchmarks run (default: full sizes)")
    parser.add_argument("--large", action="store_true",
                        help="measure scaling and kernel_ridge up to 100,000 too, two_flow on 5,250 images and recipes "
                             "on 4,096; takes an hour and 12 GB of disk more (default: 5,000 images, 40,000 rows, "
                             "1,070 and 96 images)")
    parser.add_argument("--jobs", metavar="N", type=at_least(1), default=os.cpu_count(),
                        help="threads for everything that is measured (default: every core)")
    parser.add_argument("--images", metavar="DIR",
                        help="folder to keep the photographs in (default: a temporary folder)")
    parser.add_argument("--out", metavar="FILE", default="benchmarks.json",
                        help="file to write every round of every figure to, as JSON (default: %(default)s)")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmarks, print the table and write the JSON file."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    names = arguments.benchmarks or BENCHMARKS
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"expected benchmarks among {', '.join(BENCHMARKS)}, got {name!r}")

    from .setting import Setting
    from .table import format_table, to_document

    began, load = time.perf_counter(), os.getloadavg()[0]
    if load > _QUIET_LOAD:
        print(f"warning: other work is running (load {load:.1f}), which spoils the figures; stop it", file=sys.stderr)
    with ExitStack() as stack, open(arguments.out, "a", encoding="utf-8"):  # fails now if it cannot be written
        folder = arguments.images or stack.enter_context(tempfile.TemporaryDirectory(prefix="twoflow-benchmarks-"))
        setting = Setting(Path(folder).absolute(), arguments.jobs, arguments.quick, arguments.large)
        found = {}
        for name in names:
            print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
            started = time.perf_counter()
            found[name] = import_module(f".{name}", __package__).measure(setting)
            print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)
    document = to_document(found, arguments.jobs, load, time.perf_counter() - began)
    print(format_table(found))
    Path(arguments.out).write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    print(f"\nWritten to {arguments.out}; {document['environment']['seconds']:.0f} s in all")


if __name__ == "__main__":
    sys.exit(run(main))
