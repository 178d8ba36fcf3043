"""List the pretrained networks, or say what one is: ``twoflow networks``."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .arguments import CommandParser


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    parser = CommandParser(
        prog="twoflow networks",
        description="Say what is known about pretrained networks, and why: which layer is the embedding, how an image\n"
                    "enters, license, source, what runs it, stages, tokens and layers.",
        examples=[
            "twoflow networks", "twoflow networks efficientnet-lite0", "twoflow networks my-network.onnx --all",
            "twoflow networks dinov2-small/ --json",
        ],
    )
    parser.add_argument(
        "networks", metavar="NAME|PATH", nargs="*",
        help="show only these: names; paths of an .onnx file, of a folder as hubs have it, of an MXNet symbol, or of a "
             "folder with a symbol and its .params; or hf://ORGANIZATION/NAME@REVISION, which is downloaded (needs "
             "twoflow[hub]) (default: every network with a name)",
    )
    parser.add_argument("--all", action="store_true",
                        help="list every layer (default: of more than 20, those with a meaning)")
    parser.add_argument("--json", action="store_true", help="write JSON, a list with an object for each network "
                                                            "(default: text)")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Print what is known about each network."""
    arguments = make_parser().parse_args(argv)

    from ..networks import NETWORKS
    from ..networks.facts import look_at
    from ..report.network import format_network, network_document

    found = map(look_at, arguments.networks or NETWORKS)
    if arguments.json:
        print(json.dumps([network_document(facts) for facts in found], indent=2))
        return
    for number, facts in enumerate(found):
        print(("\n" if number else "") + format_network(facts, arguments.all))
