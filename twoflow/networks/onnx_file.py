"""Any ONNX file as a network: which layers it has, and its graph cut behind those that are wanted."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from .card import Layer

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

_MAX_BYTES = 2**31  # protobuf's own limit
_TO_FIRST, _TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


class Input(NamedTuple):
    """What the graph says of its input; sizes are None where it leaves them open."""

    name: str
    width: int | None
    height: int | None
    channels_last: bool
    is_uint8: bool


def load(path: str | os.PathLike) -> ModelProto:
    """Read an ONNX file; onnxruntime checks it when it is to be run.

    Raises
    ------
    ValueError
        If it is damaged, over 2 GiB, or keeps weights in other files.
    """
    import onnx

    if os.path.getsize(path) > _MAX_BYTES:
        raise ValueError(f"{path} is over the limit of {_MAX_BYTES} bytes")
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # whatever protobuf raises for damaged bytes
        raise ValueError(f"{path} is damaged, or no ONNX file: {error}") from error
    if not model.graph.node:
        raise ValueError(f"{path} is damaged, or no ONNX file: it has no nodes")
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors(model.graph)):
        raise ValueError(f"{path} keeps weights in other files; save it as one: onnx.save(onnx.load(PATH), ONE_FILE)")
    return model


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for body in _bodies(node):
                yield from _tensors(body)


def _bodies(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs inside a node: the branches of an If, the body of a Loop."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def read_input(model: ModelProto) -> Input:
    """What the graph says of its input; ValueError if that is no picture."""
    from onnx import TensorProto

    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs)
        raise ValueError(f"it has {len(inputs)} inputs ({names}), where one picture is expected")
    kind = inputs[0].type.tensor_type
    if kind.elem_type not in (TensorProto.FLOAT, TensorProto.UINT8):
        name = TensorProto.DataType.Name(kind.elem_type) if kind.elem_type else "no tensor"
        raise ValueError(f"its input is {name}; export it with an input of float32 or uint8")
    sizes = [size.dim_value if size.dim_value > 0 else None for size in kind.shape.dim]
    if len(sizes) != 4 or sizes[0] not in (None, 1) or 3 not in (sizes[1], sizes[3]):
        shape = ", ".join(str(size or "?") for size in sizes)
        raise ValueError(f"its input has the shape ({shape}); export it for (1, 3, height, width) or the channels last")
    channels_last = sizes[1] != 3
    height, width = sizes[1:3] if channels_last else sizes[2:]
    return Input(inputs[0].name, width, height, channels_last, kind.elem_type == TensorProto.UINT8)


def fix_input(model: ModelProto, size: tuple[int, int]) -> str:
    """Make the graph take one picture of `size` (width, height) as float32 of shape (1, 3, height, width).

    Returns the input's name. Whatever the file takes (channels last, bytes, batches) is put behind the new input.
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
    name = f"{found.name}.picture"
    turned = f"{name}.turned" if found.is_uint8 else found.name
    nodes = [helper.make_node("Transpose", [name], [turned], perm=_TO_LAST if found.channels_last else [0, 1, 2, 3])]
    if found.is_uint8:
        nodes.append(helper.make_node("Cast", [turned], [found.name], to=TensorProto.UINT8))
    value.CopyFrom(helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3, height, width)))
    for i, node in enumerate(nodes):
        graph.node.insert(i, node)
    return name


def read_layers(model: ModelProto) -> dict[str, Layer]:
    """The outputs of the graph's nodes that are features, after `fix_input`.

    Returns
    -------
    dict of str to Layer
        Maps of shape (1, width, rows, columns) and vectors of shape (1, width), both float32; a map of one position
        is a vector. What is laid out with the channels last inside the graph is left out: its width is not where one
        looks for it.
    """
    from onnx import TensorProto, shape_inference

    bare = type(model)()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]  # what the file says of shapes is of batches and sizes that it does not run with
    try:
        inferred = shape_inference.infer_shapes(bare, data_prop=True).graph
    except Exception as error:
        raise ValueError(f"the shapes of its layers cannot be inferred: {error}") from error
    values = {value.name: value.type.tensor_type for value in (*inferred.value_info, *inferred.output)}
    channels_last = _channels_last(model)
    layers: dict[str, Layer] = {}
    for name in (name for node in model.graph.node for name in node.output):
        if name not in values or values[name].elem_type != TensorProto.FLOAT:
            continue
        shape = [size.dim_value for size in values[name].shape.dim]
        if len(shape) == 4 and name in channels_last:
            continue
        if len(shape) in (2, 4) and min(shape[1:]) > 0 and shape[0] in (0, 1):
            is_map = shape[2:] not in ([], [1, 1])
            layers[name] = Layer(shape[1], is_map, (shape[2], shape[3]) if is_map else None)
    return layers


def _channels_last(model: ModelProto) -> set[str]:
    """The tensors behind a transposition to channels last that has not been undone."""
    found: set[str] = set()
    for node in model.graph.node:
        turn = next((list(each.ints) for each in node.attribute if each.name == "perm"), None)
        if node.op_type == "Transpose" and turn == _TO_LAST or not turn and found.intersection(node.input):
            found.update(node.output)
    return found


def find_global_pool(model: ModelProto, layers: Mapping[str, Layer]) -> str | None:
    """The last vector that is pooled over all positions: the usual embedding, whatever its name."""
    pools = [
        name
        for node in model.graph.node
        if node.op_type in ("GlobalAveragePool", "ReduceMean")
        for name in node.output
        if name in layers and not layers[name].is_map
    ]
    return pools[-1] if pools else None


def cut(model: ModelProto, outputs: Mapping[str, str]) -> ModelProto:
    """The graph up to the last of the wanted layers.

    Parameters
    ----------
    model : ModelProto
        After `fix_input`; is left as it is.
    outputs : mapping of str to str
        Names that the outputs are to have, and the layers they are.
    """
    from onnx import TensorProto, helper

    needed = set(outputs.values())
    kept = []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(_names(node))
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


def _names(node: NodeProto) -> Collection[str]:
    """What a node reads, the graphs inside it included."""
    return {*node.input, *(name for body in _bodies(node) for inner in body.node for name in _names(inner)),
            *(value.name for body in _bodies(node) for value in body.output)}
