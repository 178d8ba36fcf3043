"""Open an MXNet symbol and its parameters as a network."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ..card import Layer, NetworkCard
from ..card_file import complete_fields, split_hints
from ..content import Content, join_digests
from ..network import Checkpoint, Network, NetworkFiles
from ..onnx import Exit, cut
from .convert import convert, layer_names, needed_nodes, parameter_names, passed_nodes
from .inception import recognize
from .params import Entry, read_index, read_params
from .shapes import Shape, infer_shapes
from .symbol import MAX_SYMBOL_BYTES, Node, read_symbol

if TYPE_CHECKING:
    from onnx import ModelProto

#: Layers have shapes, and networks are recognized by them, only at a given size. Most networks of MXNet's time have
#: this one, so it is tried if the card gives none.
_USUAL_SIZE = (224, 224)


def open_mxnet(files: NetworkFiles, fields: Mapping[str, Any]) -> tuple[Network, list[Content]]:
    """Read a symbol, and which parameters there are; their values are read when a graph is built.

    Parameters
    ----------
    files : NetworkFiles
        With parameters.
    fields : mapping of str to value
        The checked fields of the card, which override what is known of a recognized network.

    Returns
    -------
    Network
    list of Content
        The symbol and the parameters.

    Raises
    ------
    ValueError
        If a file is damaged, an operator is not supported, or nothing says how images enter the network.
    """
    assert files.parameters is not None
    contents = _read(files)
    symbol, parameters = contents
    nodes, index = read_symbol(symbol), read_index(parameters)
    try:
        shapes = _infer_shapes(files, nodes, index, fields.get("input_size"))
        known = recognize(nodes, shapes)
        own: dict[str, Any] = {"channels": "RGB", "license": "unknown"}
        if known is not None:
            own.update({field: getattr(known, field) for field in ("license", "input_size", "mean", "scale")})
        fields, hints = split_hints(complete_fields({**own, **fields}, files.model, files.card))
        if hints:
            raise InputError(f"expected no {', '.join(hints)}, because a symbol says it, got some; leave that out")
        names = layer_names(nodes, shapes)
        layers = {name: _layer(shapes[layer]) for name, layer in names.items()}
        stages = () if known is None else tuple(name for name in known.stages if name in shapes)
    except ValueError as error:
        raise InputError(f"{files.model} with {files.parameters.name}: {error}") from error
    reread = partial(_reread, files, join_digests(contents))

    def build(outputs: Collection[str]) -> ModelProto:
        wanted = {name: names[name] for name in outputs}
        exits = {name: Exit(layer, layers[name]) for name, layer in wanted.items()}
        needed = needed_nodes(nodes, wanted.values())
        weights = read_params(reread()[1], parameter_names(needed, shapes))
        try:
            return cut(convert(needed, shapes, weights, set(wanted.values())), exits)
        except ValueError as error:
            raise InputError(f"{files.model}: {error}") from error

    return Network(
        title=str(files.model),
        card=NetworkCard(
            layers=layers, embedding=_find_embedding(nodes, shapes, layers), stages=stages, **fields
        ),
        build=build,
        digest=join_digests(contents),
        outputs=tuple(names)[-1:],
        checkpoint=Checkpoint(symbol.path, reread, next(iter(shapes)), names),
    ), contents


def _read(files: NetworkFiles) -> list[Content]:
    assert files.parameters is not None
    return [files.read(files.model, MAX_SYMBOL_BYTES), files.read(files.parameters)]


def _reread(files: NetworkFiles, digest: str) -> list[Content]:
    """Read both files again, because their values are not kept in memory; ValueError if either has changed."""
    contents = _read(files)
    if join_digests(contents) != digest:
        raise InputError(f"{files.model} or {contents[1].path.name} has changed since it was opened; start again")
    return contents


def _infer_shapes(
    files: NetworkFiles, nodes: Sequence[Node], index: Mapping[str, Entry], size: tuple[int, int] | None
) -> dict[str, Shape]:
    try:
        return infer_shapes(nodes, index, size or _USUAL_SIZE)
    except ValueError as error:
        if size is not None:
            raise
        raise InputError(
            f"{error}; this was tried at 224 x 224 pixels, because {files.card.name} gives no input_size"
        ) from error


def _find_embedding(nodes: Sequence[Node], shapes: Mapping[str, Shape], layers: Mapping[str, Layer]) -> str | None:
    """Return the global pool; without one, the last vector before the output; None if there is no vector at all.

    A vector that scales a map, as in squeeze-and-excitation, is none of them: another path goes around it.
    """
    passed = [node.name for node in passed_nodes(nodes, shapes)]
    vectors = [name for name in passed if not layers[name].is_map and layers[name].width > 1]
    return "global_pool" if "global_pool" in layers else vectors[:2][-1] if vectors else None


def _layer(shape: Shape) -> Layer:
    is_map = shape[1:] not in ((), (1, 1))
    return Layer(shape[0], is_map, (shape[1], shape[2]) if is_map else None)
