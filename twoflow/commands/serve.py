"""Answer for photos over HTTP, with a page: ``twoflow serve MODEL``."""

from __future__ import annotations

import os
from argparse import ArgumentTypeError, Namespace
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from .._text import printable
from .arguments import (
    CommandParser,
    add_model_arguments,
    add_provider_argument,
    add_threshold_argument,
    at_least,
    names,
    size,
    up_to,
)
from .loading import choose_provider, open_model
from .program import calling_at_signals, say

if TYPE_CHECKING:
    from ..serving.server import Server

_seconds = up_to(86_400, "a number of seconds")


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
    add_model_arguments(parser)
    answers = parser.add_argument_group("answers")
    add_threshold_argument(answers)
    answers.add_argument("--rules", metavar="TOML", type=os.path.expanduser,
                         help="rules of moderation: add approved, denied or review to each answer (default: none)")
    _add_access_arguments(parser)
    _add_correction_arguments(parser)
    _add_limits(parser)
    run = parser.add_argument_group("run")
    run.add_argument("--jobs", metavar="N", type=at_least(1), default=os.cpu_count() or 1,
                     help="images to work on at the same time. The answers do not depend on it (default: every core)")
    add_provider_argument(run)
    run.add_argument("--grace-seconds", metavar="S", type=_seconds, default=0.0,
                     help="after SIGTERM, /ready says no at once, and new work is still taken for S seconds. Use the "
                          "interval in which a load balancer asks /ready (default: %(default)g)")
    run.add_argument("--drain-seconds", metavar="S", type=_seconds, default=30.0,
                     help="after that, accepted requests have S seconds to finish; a second signal does not wait "
                          "(default: %(default)g)")
    run.add_argument("--verbose", action="store_true",
                     help="log a line for each request to stderr; never the names of uploads (default: warnings only)")
    return parser


def _add_access_arguments(parser: CommandParser) -> None:
    group = parser.add_argument_group("access")
    group.add_argument("--host", metavar="HOST", default="127.0.0.1",
                       help="address to listen on; 0.0.0.0 is every address of this machine (default: %(default)s, "
                            "which only this machine reaches)")
    group.add_argument("--port", metavar="PORT", type=_port, default=8000,
                       help="port to listen on; 0 is any free one (default: %(default)s)")
    group.add_argument("--token-file", metavar="FILE", type=os.path.expanduser,
                       help="file with a token that clients must send, as Authorization: Bearer TOKEN. It is no "
                            "argument, because every user of a machine can read those (default: the environment "
                            "variable TWOFLOW_TOKEN, or no token)")
    group.add_argument("--server-names", metavar="NAME,...", type=names,
                       help="host names by which clients call the service; others are refused. Behind a proxy, its "
                            "name (default: localhost and its addresses; with another --host, any)")


def _add_correction_arguments(parser: CommandParser) -> None:
    group = parser.add_argument_group("corrections")
    group.add_argument("--corrections", metavar="CSV", type=os.path.expanduser,
                       help="keep what users correct: append path and class to this table, or path and levels of a "
                            "tree of classes, and keep the photo beside it, for twoflow train --labels CSV (default: "
                            "keep nothing)")
    group.add_argument("--new-labels", action="store_true",
                       help="let users name classes that the model does not have (default: only its own)")
    group.add_argument("--corrections-size", metavar="SIZE", type=size, default="1G",
                       help="keep photos until they take SIZE, such as 500M (default: %(default)s)")


def _add_limits(parser: CommandParser) -> None:
    from ..serving.limits import Limits

    group = parser.add_argument_group("limits")
    for name, kind, metavar, text in (
        ("max_images", at_least(1), "N", "images of one request; more get 422"),
        ("max_bytes", size, "SIZE", "bytes of one request, such as 32M; more get 413"),
        ("max_pixels", at_least(1), "N", "pixels of one image; a larger one gets an error"),
        ("max_buffered", size, "SIZE", "bytes of all uploads in memory; more get 503"),
        ("max_queue", at_least(1), "N", "images that wait; more get 503"),
        ("max_per_client", at_least(1), "N", "images of one address that are in work; more get 429. Behind a proxy all "
                                             "clients have its address: use the number of --max-queue"),
        ("max_explanations", at_least(1), "N", "explanations in work, each of one image; more get 503"),
        ("max_connections", at_least(1), "N", "open connections; a further one gets 503"),
        ("max_header_bytes", at_least(256), "N", "bytes of the headers of a request; more get 431"),
        ("header_seconds", _seconds, "S", "seconds for the headers of a request to come; then 408"),
        ("body_seconds", _seconds, "S", "seconds for the body of a request to come; then 408"),
        ("answer_seconds", _seconds, "S", "seconds for the answer; then 503"),
    ):
        default = getattr(Limits, name)
        shown = f"{default:g}" if default < 1e4 else f"{default:,}"
        group.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, type=kind, default=default,
                           help=f"{text} (default: {shown})")


def main(argv: Sequence[str] | None = None) -> None:
    """Load the model, and serve until a signal comes."""
    arguments = make_parser().parse_args(argv)

    from ..serving.extra import require

    require()
    server = _make_server(arguments)
    with calling_at_signals(server.stop):
        print(f"{arguments.model}: {server.address}", flush=True)
        n_cut_off = server.run()
    if n_cut_off:
        print(f"requests that the end cut off: {n_cut_off:,}; use a larger --drain-seconds", flush=True)


def _make_server(arguments: Namespace) -> Server:
    from ..predicting.rules import read_rules
    from ..serving.app import make_app
    from ..serving.corrections import Corrections
    from ..serving.gate import LOOPBACK_NAMES, is_loopback
    from ..serving.limits import Limits
    from ..serving.log import log_to_stderr
    from ..serving.server import Server
    from ..serving.service import Service
    from ..serving.token import read_token

    log_to_stderr(arguments.verbose)
    choose_provider(arguments)
    token = read_token(arguments.token_file)
    is_local = is_loopback(arguments.host)
    if not is_local and not token:
        say(f"warning: everyone who reaches {printable(arguments.host)} can use the service; name a --token-file")
    model_file = open_model(arguments)
    corrections = None if arguments.corrections is None else Corrections(
        arguments.corrections, model_file.card, allows_new=arguments.new_labels, max_bytes=arguments.corrections_size
    )
    service = Service(
        model_file,
        limits=Limits(**{field.name: getattr(arguments, field.name) for field in fields(Limits)}),
        rules=None if arguments.rules is None else read_rules(arguments.rules, model_file.card),
        n_workers=arguments.jobs, corrections=corrections, needs_token=bool(token),
    )
    server_names = [name.lower() for name in arguments.server_names or ()] or (LOOPBACK_NAMES if is_local else None)
    gate = make_app(service, names=server_names, token=token, is_verbose=arguments.verbose)
    return Server(
        service, gate, host=arguments.host, port=arguments.port, grace_seconds=arguments.grace_seconds,
        drain_seconds=arguments.drain_seconds,
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return int(text)
