"""Cut an ONNX graph behind the layers that are wanted, and let each leave as a map or a vector of float32."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from .layers import Exit
from .nodes import bodies, find_needed

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto


def cut(model: ModelProto, outputs: Mapping[str, Exit]) -> ModelProto:
    """Cut the graph behind the last of the wanted layers.

    Parameters
    ----------
    model : ModelProto
        After `fix_input`. It is not changed.
    outputs : mapping of str to Exit
        How the layer of each output leaves the graph, by the name of the output.

    Returns
    -------
    ModelProto
    """
    from onnx import TensorProto, helper

    kept, needed = find_needed(model.graph.node, (each.tensor for each in outputs.values()))
    result = type(model)()
    result.CopyFrom(model)
    graph = result.graph
    for field in (graph.node, graph.output, graph.value_info, graph.initializer):
        del field[:]
    graph.node.extend(kept)
    graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name in needed)
    names = _rename(graph, outputs, needed)
    for name, exit in outputs.items():
        nodes, constants = _leave(exit, names.get(exit.tensor, exit.tensor), name)
        graph.node.extend(nodes)
        graph.initializer.extend(constants)
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return result


def _leave(exit: Exit, tensor: str, output: str) -> tuple[list[NodeProto], list[TensorProto]]:
    """Return the nodes between a tensor and the output that it leaves as, and their constants."""
    from onnx import helper, numpy_helper

    steps = list(_steps(exit))
    if not steps:
        return ([] if tensor == output else [helper.make_node("Identity", [tensor], [output])]), []
    nodes, constants = [], []
    for i, (operator, constant, attributes) in enumerate(steps):
        inputs, end = [tensor], output if i == len(steps) - 1 else f"{output}.exit{i}"
        if constant is not None:
            inputs.append(f"{output}.exit{i}.{operator}")
            constants.append(numpy_helper.from_array(np.array(constant, np.int64), inputs[1]))
        nodes.append(helper.make_node(operator, inputs, [end], **attributes))
        tensor = end
    return nodes, constants


def _steps(exit: Exit) -> Iterator[tuple[str, Collection[int] | None, dict]]:
    """Yield operators, what each reads besides the tensor, and attributes; all of them exist in every operator set."""
    from onnx import TensorProto

    if exit.part is not None:
        axis, start, end = exit.part
        yield "Gather", range(start, end), {"axis": axis}
    if exit.order is not None:
        yield "Transpose", None, {"perm": list(exit.order)}
    if exit.shape is not None:
        yield "Reshape", exit.shape, {}
    if exit.is_half:
        yield "Cast", None, {"to": TensorProto.FLOAT}
    if exit.is_mean:
        yield "GlobalAveragePool", None, {}
        yield "Flatten", None, {"axis": 1}


def _rename(graph: GraphProto, outputs: Mapping[str, Exit], tensors: Collection[str]) -> dict[str, str]:
    """Rename the tensors that leave the graph as they are, and those whose name an output needs; return the names.

    An Identity behind them would do as well, but onnxruntime 1.32 loses a node when it removes one before a Pad.
    """
    new = {name: name for name, exit in outputs.items() if exit == Exit(name, exit.layer)}
    for name, exit in outputs.items():
        if exit == Exit(exit.tensor, exit.layer):
            new.setdefault(exit.tensor, name)
    for name in outputs:
        if name in tensors and name not in new:
            new[name] = f"{name}.inside"
            while new[name] in tensors:
                new[name] += "_"
    new = {name: other for name, other in new.items() if name != other}
    waiting = list(graph.node) if new else []
    while waiting:
        node = waiting.pop()
        for field in (node.input, node.output):
            field[:] = [new.get(name, name) for name in field]
        for body in bodies(node):
            waiting.extend(body.node)
            for value in body.output:
                value.name = new.get(value.name, value.name)
    for tensor in graph.initializer:
        tensor.name = new.get(tensor.name, tensor.name)
    return new
