"""List the pretrained networks, or the layers of one: ``twoflow networks``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .arguments import CommandParser

if TYPE_CHECKING:
    from ..networks.card import NetworkCard


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    parser = CommandParser(
        prog="twoflow networks",
        description="List the pretrained networks: name, size, input, license, source and layers.",
        examples=["twoflow networks", "twoflow networks efficientnet-lite0", "twoflow networks my-network.onnx"],
    )
    parser.add_argument(
        "networks", metavar="NAME|PATH", nargs="*",
        help="list only these: names, or paths of an .onnx file, of an MXNet symbol, or of a folder with a symbol and "
             "its .params (default: every network with a name)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Print each network and its layers."""
    arguments = make_parser().parse_args(argv)

    from ..networks.catalog import NETWORKS, find_weights, get_card

    for number, network in enumerate(arguments.networks or NETWORKS):
        weights = find_weights(network)
        card = get_card(network)
        if weights is not None:
            state = f"installed, {weights.stat().st_size / 1e6:.0f} MB"
        else:
            state = "not installed" if network in NETWORKS else "in files"
        print(("\n" if number else "") + "\n".join(_describe(card, state)))


def _describe(card: NetworkCard, state: str) -> Iterator[str]:
    yield f"{card.name} ({state})"
    width, height = card.input_size
    yield f"  input    {width} x {height} {card.channels}, (value - {card.mean}) / {card.scale}"
    yield f"  license  {card.license}"
    yield f"  source   {card.source}"
    yield "  layers   " + "\n           ".join(
        f"{name}: {layer.width}{' x positions' if layer.is_map else ''}" for name, layer in card.layers.items()
    )
