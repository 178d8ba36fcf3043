"""Estimate what a graph costs before it is run: nodes, memory, multiplications."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ...errors import InputError
from ..content import MAX_VALUES
from ..limits import MAX_MEMORY, too_large
from .nodes import attribute, bodies, find_dependent, names_read
from .values import Value

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

#: Nodes, those of all calls of the file's own functions included. The largest networks for photos have some 10**4.
MAX_NODES = 2**20
#: Multiplications of all nodes together. Two cores do 10**11 in a second, and the largest networks for photos need
#: 5 * 10**12.
MAX_MULTIPLICATIONS = 2 * 10**13


def check_size(model: ModelProto) -> None:
    """Raise ValueError if the graph has too many nodes, once the functions that the file defines are written out.

    Functions that call each other twice double the nodes at every step; functions that call themselves never end.
    """
    sizes: dict[tuple[str, str], int | None] = {}
    functions = {(each.domain, each.name): each for each in model.functions}

    def count(nodes: Iterable[NodeProto]) -> int:
        n = 0
        for node in nodes:
            n += 1 + sum(count(body.node) for body in bodies(node)) + count_function((node.domain, node.op_type))
        return n

    def count_function(name: tuple[str, str]) -> int:
        if name not in functions:
            return 0
        if name not in sizes:
            if len([each for each in sizes.values() if each is None]) > _MAX_DEPTH:
                raise InputError(f"expected functions that call each other at most {_MAX_DEPTH} deep, got more")
            sizes[name] = None  # it is being counted
            sizes[name] = count(functions[name].node)
        if (size := sizes[name]) is None:
            raise InputError(f"the function {name[1]} calls itself; export the network again")
        return size

    if (n := count(model.graph.node)) > MAX_NODES:
        raise InputError(f"expected at most {MAX_NODES} nodes, got {n}; use a smaller network")


_MAX_DEPTH = 64


def check_cost(model: ModelProto, values: Mapping[str, Value]) -> None:
    """Raise ValueError if a run of the graph would take too much memory, or too many multiplications.

    Parameters
    ----------
    model : ModelProto
        With one input, the image.
    values : mapping of str to Value
        Type and shape of the nodes' outputs. Those that are not known count nothing; a run of a graph that has any is
        limited while it lasts, see `twoflow.networks.limits`.
    """
    for name, value in values.items():
        if (n := math.prod(value.shape)) > MAX_VALUES:
            raise InputError(
                f"{name}: expected at most {MAX_VALUES} values in a layer, got {n}; use a smaller network or a smaller "
                "input_size"
            )
    if _peak_memory(model, values) > MAX_MEMORY:
        raise too_large()
    shapes: dict[str, Sequence[int]] = {name: value.shape for name, value in values.items()}
    shapes.update({tensor.name: tensor.dims for tensor in model.graph.initializer})
    if (n := sum(_count_multiplications(node, shapes) for node in model.graph.node)) > MAX_MULTIPLICATIONS:
        raise InputError(
            f"expected a network of at most {MAX_MULTIPLICATIONS:.0e} multiplications for an image, got {n:.0e}, which "
            "take minutes; use a smaller network or a smaller input_size"
        )


def _peak_memory(model: ModelProto, values: Mapping[str, Value]) -> int:
    """Return the bytes of all values that are needed at the same time, at the worst node.

    Values that do not depend on the image are computed once and kept.
    """
    image = find_dependent(model.graph.node, [value.name for value in model.graph.input])
    last_reader = {name: i for i, node in enumerate(model.graph.node) for name in names_read(node)}
    expiring: dict[int, list[str]] = {}
    for name, i in last_reader.items():
        if name in image:
            expiring.setdefault(i, []).append(name)
    sizes = {name: value.n_bytes for name, value in values.items()}
    now = peak = 0
    for i, node in enumerate(model.graph.node):
        now += sum(sizes.get(name, 0) for name in node.output)
        peak = max(peak, now)
        now -= sum(sizes.get(name, 0) for name in expiring.get(i, ()))
        now -= sum(sizes.get(name, 0) for name in node.output if name in image and name not in last_reader)
    return peak


def _count_multiplications(node: NodeProto, shapes: Mapping[str, Sequence[int]]) -> int:
    """Return the number of multiplications of a node; of most operators, it is the number of their outputs' values."""
    inputs = [shapes.get(name, ()) for name in node.input]
    n_outputs = sum(math.prod(shapes[name]) for name in node.output if name in shapes)
    operator = node.op_type.removeprefix("QLinear").removesuffix("Integer")
    if not inputs or not inputs[0]:
        return n_outputs
    if operator == "Conv":  # the weights are not the second input of all variants
        return n_outputs * next((math.prod(shape[1:]) for shape in inputs[1:] if len(shape) > 2), 1)
    if operator == "ConvTranspose":
        return math.prod(inputs[0]) * next((math.prod(shape[1:]) for shape in inputs[1:] if len(shape) > 2), 1)
    if operator in ("MatMul", "Gemm"):
        return n_outputs * inputs[0][0 if attribute(node, "transA").i else -1]
    return n_outputs * math.prod(attribute(node, "kernel_shape").ints)
