"""Export a model file as one ONNX graph: ``twoflow export``."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .._text import counted, escape_controls
from .arguments import CommandParser


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    parser = CommandParser(
        prog="twoflow export",
        description="Export a model file as one ONNX graph, from RGB pixels to the probabilities of the classes.\nIt "
                    "runs in onnxruntime alone. The card of the model is written beside it, to NAME.card.json.",
        examples=["twoflow export shoes.twoflow shoes.onnx",
                  "twoflow export shoes.twoflow shoes.onnx --check new/*.jpg"],
    )
    parser.add_argument("model", metavar="MODEL", type=os.path.expanduser, help="model file, NAME.twoflow")
    parser.add_argument("out", metavar="GRAPH", type=os.path.expanduser, help="file to write, NAME.onnx")
    parser.add_argument(
        "--check", metavar="IMAGE", nargs="+", type=os.path.expanduser,
        help="run the graph and the model on these images, and print how far they agree (default: do not)",
    )
    parser.add_argument(
        "--networks", metavar="PATH", nargs="+", type=os.path.expanduser, default=(),
        help="files of the networks that the model file does not hold (default: none; pip installs them or they are "
             "inside)",
    )
    parser.add_argument(
        "--overwrite", action="store_true",
        help="replace earlier files of these names (default: ask; without a terminal, write beside them, to a name "
             "such as NAME-2.onnx)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Export the model, and compare the graph with it if there are images."""
    arguments = make_parser().parse_args(argv)

    from ..models.model_file import open_model_file
    from ..models.onnx_export import compare, export_onnx, output_files
    from .output import choose_output_file

    model_file = open_model_file(arguments.model, networks=arguments.networks)
    path, note = choose_output_file(arguments)
    graph = export_onnx(model_file, path, overwrite=arguments.overwrite or path.exists())
    file, card = output_files(path)
    print(escape_controls(f"wrote {file} ({file.stat().st_size / 1e6:,.1f} MB) and {card}{note}"))
    if model_file.card.threshold is not None:
        print(f"note: the threshold of {model_file.card.threshold:g} is on the card, but not in the graph, which gives "
              "every probability")
    if arguments.check:
        found = compare(graph, model_file.model, arguments.check)
        print(f"the same class for {found.n_same:,} of {counted(found.n_answers, 'answer')}; probabilities differ by "
              f"{found.largest:.1g} at most, {found.mean:.1g} on average")
