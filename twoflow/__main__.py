"""Run a command: ``twoflow COMMAND``, or ``python -m twoflow COMMAND``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from . import __version__
from .commands import COMMANDS
from .commands.arguments import CommandParser
from .commands.program import run


def make_parser() -> CommandParser:
    """Make the parser of the program's own arguments; a command parses the rest."""
    parser = CommandParser(
        prog="twoflow",
        usage="%(prog)s [-h] [--version] COMMAND ...",
        description="Sort product photos into fine classes.",
        epilog="\n".join(["commands:", *(f"  {name:<10}{what}" for name, what in COMMANDS.items()), "",
                          "twoflow COMMAND --help explains the arguments of one command."]),
    )
    parser.add_argument("--version", action="version", version=f"twoflow {__version__}")
    parser.add_argument("command", metavar="COMMAND", nargs="?", help="what to do: one of the commands below")
    parser.add_argument("arguments", metavar="...", nargs="...", help="the arguments of that command")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names.

    The command is imported inside `run`, so that ``twoflow --help`` loads no numpy and Ctrl-C while a command loads
    ends quietly.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments. By default those of the process.

    Returns
    -------
    int
        The exit status; see `commands.program.run`.
    """
    parser = make_parser()
    parsed = parser.parse_args(argv)
    if parsed.command not in COMMANDS:
        got = "none" if parsed.command is None else repr(parsed.command)
        parser.error(f"expected a command, one of {', '.join(COMMANDS)}, got {got}")

    def run_command(arguments: Sequence[str] | None) -> None:
        import_module(f".commands.{parsed.command}", __package__).main(arguments)

    return run(run_command, parsed.arguments)


def run_program() -> None:
    """Run the script ``twoflow`` and end the process with the command's exit status."""
    sys.exit(main())


if __name__ == "__main__":
    run_program()
