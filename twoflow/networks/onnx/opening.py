"""Open an ONNX file as a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ..card import NetworkCard
from ..card_file import check_fields, complete_fields
from ..content import Content, join_digests
from ..network import Network, NetworkFiles
from .entrance import fix_input, read_input
from .global_pool import find_global_pool
from .graph import cut, load, read_layers
from .shapes import infer_values
from .versions import check_versions

if TYPE_CHECKING:
    from onnx import ModelProto


def open_onnx(files: NetworkFiles, fields: Mapping[str, Any]) -> tuple[Network, list[Content]]:
    """Read an ONNX file and the weights that it keeps in other files.

    Parameters
    ----------
    files : NetworkFiles
        Without parameters.
    fields : mapping of str to value
        The checked fields of the card, which override what the file says.

    Returns
    -------
    Network
    list of Content
        The files that were read.

    Raises
    ------
    ValueError
        If the file is damaged, its input is no image, or nothing says how images enter it.
    """
    file = files.read(files.model)
    try:
        model, others = load(file, files)
        check_versions(model)
        found = read_input(model)
        own: dict[str, Any] = {"channels": "RGB"}
        if found.is_uint8:
            own.update(mean=0, scale=1)
        if found.width and found.height:
            own.update(check_fields({"input_size": (found.width, found.height)}, "its input"))
        metadata = {each.key: each.value for each in model.metadata_props}
        own.update(license=metadata.get("license") or "unknown")
        fields = complete_fields({**own, **fields}, files.model, files.card)
        if own.get("input_size", fields["input_size"]) != fields["input_size"]:
            raise InputError(
                f"expected an input_size of {found.width} x {found.height} pixels, the only one that the graph takes, "
                f"got {fields['input_size'][0]} x {fields['input_size'][1]}; leave input_size out"
            )
        source = fix_input(model, fields["input_size"])
        values = infer_values(model)
        layers = read_layers(model, values)
        pool = find_global_pool(model, source, values, layers)
    except ValueError as error:
        raise InputError(f"{files.model}: {error}") from error
    names = {name: name for name in layers}
    if pool is not None and "global_pool" not in layers:
        names["global_pool"] = pool
    contents = [file, *others]
    return Network(
        title=str(files.model),
        card=NetworkCard(
            layers={name: layers[layer] for name, layer in names.items()},
            embedding="global_pool" if "global_pool" in names else None, **fields,
        ),
        build=lambda outputs: cut(model, {name: names[name] for name in outputs}),
        digest=join_digests(contents),
        outputs=tuple(value.name for value in model.graph.output if value.name in layers),
    ), contents


def read_graph(content: bytes, size: tuple[int, int]) -> ModelProto:
    """Read a graph that is no file of its own, such as the quantized network in a model file.

    Parameters
    ----------
    content : bytes
        The whole graph, with its weights.
    size : (int, int)
        Width and height of its images in pixels.

    Returns
    -------
    ModelProto
        With one input, float32 of shape (1, 3, height, width).

    Raises
    ------
    ValueError
        If it takes no such image, or exceeds a limit.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        model = ModelProto.FromString(content)
    except DecodeError as error:
        raise InputError(f"expected an ONNX graph, got other bytes: {error}") from error
    fix_input(model, size)
    infer_values(model)
    return model
