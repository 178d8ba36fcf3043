"""Answer for photos over HTTP, with a page: ``twoflow serve MODEL``."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence

from .arguments import CommandParser, at_least, between, names, seconds, size
from .program import calling_at_signals


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    parser = CommandParser(
        prog="twoflow serve",
        description="Answer for photos over HTTP, with a page to try it on. Needs twoflow[serve].\n"
                    "Nothing of an upload touches the disk, unless --corrections says so.",
        examples=[
            "twoflow serve shoes.twoflow",
            "twoflow serve shoes.twoflow --corrections corrections.csv",
            "twoflow serve shoes.twoflow --host 0.0.0.0 --token-file token.txt",
        ],
    )
    parser.add_argument("model", metavar="MODEL", type=os.path.expanduser, help="model file, NAME.twoflow")
    parser.add_argument("--digest", metavar="SHA256",
                        help="expected SHA-256 of the model file; another file is refused (default: any)")
    parser.add_argument("--networks", metavar="PATH", nargs="+", type=os.path.expanduser, default=[],
                        help="files of networks that the model refers to (default: none)")
    answers = parser.add_argument_group("answers")
    answers.add_argument("--threshold", metavar="CONFIDENCE", type=between(0, 1),
                         help='below this confidence, answer with a broader class or "unknown" (default: the model\'s '
                              "own threshold)")
    answers.add_argument("--rules", metavar="TOML", type=os.path.expanduser,
                         help="rules of moderation: add approved, denied or review to each answer (default: none)")
    _add_access_arguments(parser)
    _add_correction_arguments(parser)
    _add_limits(parser)
    run = parser.add_argument_group("run")
    run.add_argument("--jobs", metavar="N", type=at_least(1), default=os.cpu_count() or 1,
                     help="images to work on at the same time. The answers do not depend on it (default: every core)")
    run.add_argument("--grace-seconds", metavar="S", type=seconds(0), default=0.0,
                     help="after SIGTERM, /ready says no at once, and new work is still taken for S seconds. Use the "
                          "interval in which a load balancer asks /ready (default: %(default)g)")
    run.add_argument("--drain-seconds", metavar="S", type=seconds(0), default=30.0,
                     help="after that, accepted requests have S seconds to finish; a second signal does not wait "
                          "(default: %(default)g)")
    run.add_argument("--verbose", action="store_true",
                     help="log a line for each request to stderr; never the names of uploads (default: warnings only)")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Load the model, and serve until a signal comes."""
    arguments = make_parser().parse_args(argv)

    from ..serving.extra import require

    require()

    from ..serving.server import Server

    server = _make_server(arguments)
    print(f"{arguments.model}: {server.address}", flush=True)
    with calling_at_signals(server.stop):
        n_cut_off = server.run()
    if n_cut_off:
        print(f"requests without an answer at the end: {n_cut_off:,}", flush=True)


def _make_server(arguments: Namespace) -> Server:
    from ..models.model_file import open_model_file
    from ..serving.app import make_app
    from ..serving.corrections import Corrections
    from ..serving.gate import LOOPBACK_NAMES, is_loopback
    from ..serving.limits import Limits
    from ..serving.log import log_to_stderr
    from ..serving.server import Server
    from ..serving.service import Service
    from ..serving.token import read_token

    log_to_stderr(arguments.verbose)
