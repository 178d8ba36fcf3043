"""Measure how fast twoflow is: ``python -m benchmarks``, from a checkout."""

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
BENCHMARKS = ("startup", "embedding", "projection", "cluster", "comparison", "store", "scaling", "two_flow")

#: How many processes that want a core, a minute's mean, leave the figures as they are.
_QUIET_LOAD = 0.5


def make_parser() -> CommandParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m benchmarks",
        description="Measure twoflow against its peers and against what cannot be done without, all in turns, on "
                    "generated photographs of 640 x 480. Nothing else should run meanwhile. About ten minutes on two "
                    "cores, and 4 GB of disk.",
    )
    parser.add_argument(
        "benchmarks", metavar="BENCHMARK", nargs="*", help=f"only these: {', '.join(BENCHMARKS)} (default: all)"
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it runs, not how fast it is")
    parser.add_argument("--large", action="store_true", help="scaling also to 100,000 images: 8 GB more of disk")
    parser.add_argument("--jobs", metavar="N", type=at_least(1), default=os.cpu_count(),
                        help="threads for everything measured (default: every core)")
    parser.add_argument("--images", metavar="DIR",
                        help="folder for the photographs, which are kept there (default: a temporary one)")
    parser.add_argument("--out", metavar="FILE", default="benchmarks.json",
                        help="every round of every figure as JSON (default: %(default)s)")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    names = arguments.benchmarks or BENCHMARKS
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")

    from .setting import Setting
    from .table import format_table, to_document

    began, load = time.perf_counter(), os.getloadavg()[0]
    if load > _QUIET_LOAD:
        print(f"warning: other work is running (load {load:.1f}): the figures will be off", file=sys.stderr)
    with ExitStack() as stack, open(arguments.out, "a", encoding="utf-8"):  # tells now that it cannot be written
        folder = arguments.images or stack.enter_context(tempfile.TemporaryDirectory(prefix="twoflow-benchmarks-"))
        setting = Setting(Path(folder).absolute(), arguments.jobs, arguments.quick, arguments.large)
        found = {}
        for name in names:
            print(f"{name} ...", file=sys.stderr)
            found[name] = import_module(f".{name}", __package__).measure(setting)
    document = to_document(found, arguments.jobs, load, time.perf_counter() - began)
    print(format_table(found))
    Path(arguments.out).write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    print(f"\nWritten to {arguments.out}; {document['environment']['seconds']:.0f} s in all")


if __name__ == "__main__":
    sys.exit(run(main))
