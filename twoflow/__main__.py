"""The commands: ``twoflow COMMAND``, or ``python -m twoflow COMMAND``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from . import __version__
from .commands import COMMANDS
from .commands.arguments import CommandParser
from .commands.program import run


def make_parser() -> CommandParser:
    """The arguments before those of a command."""
    parser = CommandParser(
        prog="twoflow",
        description="Sort product photos into fine classes.",
        epilog="\n".join(["commands:", *(f"  {name:<10}{what}" for name, what in COMMANDS.items()), "",
                          "twoflow COMMAND --help lists the arguments of one."]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"twoflow {__version__}")
    parser.add_argument("command", metavar="COMMAND", choices=list(COMMANDS), help="one of those below")
    parser.add_argument("arguments", metavar="...", nargs=argparse.REMAINDER, help="its arguments")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Hand the arguments to the command that the first of them names."""
    parsed = make_parser().parse_args(argv)
    import_module(f".commands.{parsed.command}", __package__).main(parsed.arguments)


def run_program() -> None:
    """Run the script ``twoflow`` and end the process with its exit status."""
    sys.exit(run(main))


if __name__ == "__main__":
    run_program()
