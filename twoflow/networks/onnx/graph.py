"""Read an ONNX graph and the layers that it has; cut it behind the layers that are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...errors import InputError
from ..card import Layer
from ..content import Content
from ..network import NetworkFiles
from .external import load_external, walk
from .nodes import names_read
from .values import Value

if TYPE_CHECKING:
    from onnx import ModelProto

_TO_FIRST, _TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


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


def read_layers(model: ModelProto, values: Mapping[str, Value]) -> dict[str, Layer]:
    """Find the layers: the outputs of the graph's nodes that can serve as features.

    Parameters
    ----------
    model : ModelProto
        After `fix_input`.
    values : mapping of str to Value
        What `infer_values` returns.

    Returns
    -------
    dict of str to Layer
        Maps of shape (1, width, rows, columns) and vectors of shape (1, width), all float32. A map of one position
        counts as a vector. Maps that have the channels last inside the graph are left out.
    """
    from onnx import TensorProto

    last = channels_last(model)
    layers: dict[str, Layer] = {}
    for name in (name for node in model.graph.node for name in node.output):
        if name not in values or values[name].kind != TensorProto.FLOAT:
            continue
        shape = values[name].shape
        if len(shape) == 4 and name in last:
            continue
        if len(shape) in (2, 4) and min(shape[1:]) > 0 and shape[0] in (0, 1):
            is_map = list(shape[2:]) not in ([], [1, 1])
            layers[name] = Layer(shape[1], is_map, (shape[2], shape[3]) if is_map else None)
    return layers


def channels_last(model: ModelProto) -> set[str]:
    """Find the tensors that have the channels last: after a transposition to that order, until it is undone."""
    found: set[str] = set()
    for node in model.graph.node:
        turn = next((list(each.ints) for each in node.attribute if each.name == "perm"), None)
        if node.op_type == "Transpose" and turn == _TO_LAST or not turn and found.intersection(node.input):
            found.update(node.output)
    return found


def cut(model: ModelProto, outputs: Mapping[str, str]) -> ModelProto:
    """Cut the graph behind the last of the wanted layers.

    Parameters
    ----------
    model : ModelProto
        After `fix_input`. It is not changed.
    outputs : mapping of str to str
        The layer for each name of an output.

    Returns
    -------
    ModelProto
    """
    from onnx import TensorProto, helper

    needed = set(outputs.values())
    kept = []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(names_read(node))
    result = type(model)()
    result.CopyFrom(model)
    graph = result.graph
    for field in (graph.node, graph.output, graph.value_info, graph.initializer):
        del field[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name in needed)
    for name, layer in outputs.items():
        if name != layer:
            graph.node.append(helper.make_node("Identity", [layer], [name]))
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return result
