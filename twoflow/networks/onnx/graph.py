"""Read an ONNX graph: what its input is and which layers it has; cut it behind the layers that are wanted."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...errors import InputError
from ..card import Layer
from ..content import MAX_VALUES, Content
from ..network import NetworkFiles
from .external import load_external, walk

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

_TO_FIRST, _TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


class Input(NamedTuple):
    """The input of a graph. Width and height are None if the graph leaves them open."""

    name: str
    width: int | None
    height: int | None
    channels_last: bool
    is_uint8: bool


class Value(NamedTuple):
    """An output of a node: its ONNX data type and its shape. An unknown size is 0."""

    kind: int
    shape: Sequence[int]


def load(file: Content, files: NetworkFiles) -> tuple[ModelProto, list[Content]]:
    """Parse an ONNX file. Whether the graph is valid is checked by onnxruntime, when a session is opened.

    Parameters
    ----------
    file : Content
    files : NetworkFiles
        Where other files with weights are read from.

    Returns
    -------
    ModelProto
        With all weights inside.
    list of Content
        The other files that weights were read from: see `load_external`.

    Raises
    ------
    ValueError
        If the file is damaged, or if `load_external` refuses it.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        model = ModelProto.FromString(file.data)
    except DecodeError as error:
        raise InputError(f"it is damaged, or no ONNX file: {error}") from error
    if not model.graph.node:
        raise InputError("it is damaged, or no ONNX file: it has no nodes")
    _check_texts(model)
    return model, load_external(model, file, files)


def _check_texts(model: ModelProto) -> None:
    """Raise ValueError if a name is not UTF-8: protobuf returns such a name as bytes instead of str."""
    for message in walk(model):
        for field, value in message.ListFields():
            if field.type == field.TYPE_STRING and field.name != "doc_string":
                if any(isinstance(text, bytes) for text in ([value] if isinstance(value, (str, bytes)) else value)):
                    raise InputError(f"it is damaged, or no ONNX file: {field.full_name} is not UTF-8")


def read_input(model: ModelProto) -> Input:
    """Read what the graph says about its input; ValueError if that is no single image of three channels."""
    from onnx import TensorProto

    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs)
        raise InputError(f"expected one input, an image, got {len(inputs)} ({names})")
    kind = inputs[0].type.tensor_type
    if kind.elem_type not in (TensorProto.FLOAT, TensorProto.UINT8):
        name = TensorProto.DataType.Name(kind.elem_type) if kind.elem_type else "no tensor"
        raise InputError(f"expected an input of float32 or uint8, got {name}; export it with one of these")
    sizes = [size.dim_value if size.dim_value > 0 else None for size in kind.shape.dim]
    if len(sizes) != 4 or sizes[0] not in (None, 1) or 3 not in (sizes[1], sizes[3]):
        shape = ", ".join(str(size or "?") for size in sizes)
        raise InputError(
            f"expected an input of shape (1, 3, height, width) or (1, height, width, 3), got ({shape}); export it for "
            "one of these"
        )
    channels_last = sizes[1] != 3
    height, width = sizes[1:3] if channels_last else sizes[2:]
    return Input(inputs[0].name, width, height, channels_last, kind.elem_type == TensorProto.UINT8)


def fix_input(model: ModelProto, size: tuple[int, int]) -> str:
    """Make the graph take one image as float32 of shape (1, 3, height, width).

    If the graph takes uint8 or has the channels last, nodes that convert the image are put before it.

    Parameters
    ----------
    model : ModelProto
        It is changed in place.
    size : (int, int)
        Width and height in pixels.

    Returns
    -------
    str
        The name of the input.
    """
    from onnx import TensorProto, helper

    found = read_input(model)
    graph, (width, height) = model.graph, size
    [value] = [value for value in graph.input if value.name == found.name]
    shape = (1, height, width, 3) if found.channels_last else (1, 3, height, width)
    kind = TensorProto.UINT8 if found.is_uint8 else TensorProto.FLOAT
    value.CopyFrom(helper.make_tensor_value_info(found.name, kind, shape))
    if not (found.channels_last or found.is_uint8):
        return found.name
    name = f"{found.name}.image"
    turned = f"{name}.turned" if found.is_uint8 else found.name
    nodes = [helper.make_node("Transpose", [name], [turned], perm=_TO_LAST if found.channels_last else [0, 1, 2, 3])]
    if found.is_uint8:
        nodes.append(helper.make_node("Cast", [turned], [found.name], to=TensorProto.UINT8))
    value.CopyFrom(helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3, height, width)))
    for i, node in enumerate(nodes):
        graph.node.insert(i, node)
    return name


def infer_values(model: ModelProto) -> dict[str, Value]:
    """Infer type and shape of the outputs of the graph's nodes.

    Parameters
    ----------
    model : ModelProto
        After `fix_input`.

    Returns
    -------
    dict of str to Value
        Outputs whose type and shape cannot be inferred are left out.

    Raises
    ------
    ValueError
        If the shapes contradict each other, or an output has more than 2**28 values.
    """
    from onnx import shape_inference

    bare = type(model)()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]  # the file may give shapes for other batches and sizes than those it is run with
    try:
        inferred = shape_inference.infer_shapes(bare, data_prop=True).graph
    except Exception as error:
        raise InputError(f"the shapes of its layers cannot be inferred: {error}") from error
    values = {}
    for value in (*inferred.value_info, *inferred.output):
        kind = value.type.tensor_type
        values[value.name] = Value(kind.elem_type, [size.dim_value for size in kind.shape.dim])
        if (n := math.prod(values[value.name].shape)) > MAX_VALUES:
            raise InputError(f"{value.name}: expected at most {MAX_VALUES} values in a layer, got {n}")
    return values
