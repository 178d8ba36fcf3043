"""Export a model file as one ONNX graph, or the network that it has trained: ``twoflow export``."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence

from .._text import counted, escape_controls
from ..errors import InputError
from .arguments import CommandParser, add_model_arguments
from .loading import open_model

_SUFFIX = ".onnx"


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    parser = CommandParser(
        prog="twoflow export",
        description="Export a model file as one ONNX graph, from RGB pixels to the probabilities of the classes.\nOf a "
                    "model with a tree of classes, the graph also gives the answer after fallback.\nIt runs in "
                    "onnxruntime alone. The card of the model is written beside it, to NAME.card.json.",
        examples=["twoflow export shoes.twoflow shoes.onnx",
                  "twoflow export shoes.twoflow shoes.onnx --check new/*.jpg",
                  "twoflow export shoes.twoflow shoes.onnx --triton repository/",
                  "twoflow export shoes.twoflow mine/ --network"],
    )
    add_model_arguments(parser)
    parser.add_argument("out", metavar="GRAPH", type=os.path.expanduser,
                        help="file to write, NAME.onnx; with --network, a folder")
    parser.add_argument(
        "--network", action="store_true",
        help="write only the network that the model has trained, with its card, into the folder GRAPH: other models "
             "take its features by --network GRAPH; another network in the folder is never replaced (default: the "
             "whole model)",
    )
    parser.add_argument(
        "--check", metavar="IMAGE", nargs="+", type=os.path.expanduser,
        help="run the graph and the model on these images, and print how far they agree (default: do not)",
    )
    parser.add_argument(
        "--triton", metavar="DIR", type=os.path.expanduser,
        help="write the graph to a model repository of the Triton Inference Server too: DIR/NAME/, with its "
             "configuration and labels, and DIR/NAME.yaml for KServe; an earlier model of that name is never replaced "
             "(default: do not)",
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

    if arguments.network:
        _export_network(arguments)
        return
    if not arguments.out.lower().endswith(_SUFFIX):  # another name may be that of the model file
        raise InputError(f"GRAPH: expected a name that ends in {_SUFFIX}, got {arguments.out}; correct it")

    from ..images import LoadedImage
    from ..models.onnx_export import check_triton, compare, export_onnx, output_files, write_triton
    from .output import choose_output

    model_file = open_model(arguments)
    path, note = choose_output(arguments)
    for image in arguments.check or ():
        LoadedImage(image).rgb  # one that cannot be read is an error before the work
    file, card = output_files(path)
    name = file.name.removesuffix(".onnx")
    if arguments.triton:
        check_triton(arguments.triton, name)
    graph = export_onnx(model_file, path, overwrite=arguments.overwrite or path.exists())
    print(escape_controls(f"wrote {file} ({file.stat().st_size / 1e6:,.1f} MB) and {card}{note}"))
    if arguments.triton:
        made, service = write_triton(graph, arguments.triton, name)
        print(escape_controls(f"wrote {made}, a model of Triton, and {service} for KServe"))
    if model_file.card.threshold is not None:
        has_tree = model_file.card.targets[0].tree is not None
        what = "falls back by the model's own rule" if has_tree else "gives every probability"
        print(f"note: the threshold of {model_file.card.threshold:g} is on the card, but not in the graph, which "
              f"{what}")
    if arguments.check:
        found = compare(graph, model_file.model, arguments.check)
        print(f"the same class for {found.n_same:,} of {counted(found.n_answers, 'answer')}; probabilities differ by "
              f"{found.largest:.1g} at most, {found.mean:.1g} on average")


def _export_network(arguments: argparse.Namespace) -> None:
    """Write the network that the model has trained into a folder."""
    for name in ("check", "triton", "overwrite"):
        if getattr(arguments, name):
            raise InputError(
                f"--network: expected no --{name}, which is for the graph of the whole model; leave one of them out"
            )

    from ..deep.saved_network import save_network
    from ..deep.trained_network import CARD, NETWORK

    folder = save_network(open_model(arguments).model, arguments.out)
    size = (folder / NETWORK).stat().st_size
    print(escape_controls(f"wrote {folder / NETWORK} ({size / 1e6:,.1f} MB) and {folder / CARD}"))
    print(escape_controls(f"Next: twoflow networks {shlex.quote(str(folder))}"))
