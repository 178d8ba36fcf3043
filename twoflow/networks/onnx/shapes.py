"""The type and shape of every value in an ONNX graph: by inference, and where that leaves them open, from one run."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ..limits import limited_session, time_limit
from ..runtime import onnxruntime_errors
from .cost import check_cost, check_size
from .nodes import bodies, find_dependent, find_needed, names_read
from .operators import OF_SHAPES
from .values import Value, read_kind

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TypeProto

#: Initializers of more values than this cannot be shapes; inference needs only their sizes.
_MAX_SHAPE_VALUES = 1024
#: By operator, the inputs whose values decide the shape of its outputs.
_SHAPED_BY: dict[str, Sequence[int]] = {
    **dict.fromkeys(("ConstantOfShape", "If", "NonZero", "Unique"), (0,)),
    **dict.fromkeys(
        ("CenterCropPad", "Compress", "DFT", "Expand", "OneHot", "Reshape", "SequenceAt", "Split", "SplitToSequence",
         "Squeeze", "Tile", "TopK", "Unsqueeze", "Upsample", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp",
         "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"), (1,),
    ),
    **dict.fromkeys(("Col2Im", "Resize"), (1, 2, 3)),
    "Loop": (0, 1),
    "MaxUnpool": (2,),
    "NonMaxSuppression": range(5),
    "Pad": (1, 3),
    "Range": range(3),
    "Slice": range(1, 5),
}


def infer_values(model: ModelProto) -> dict[str, Value]:
    """Find type and shape of the outputs of the graph's nodes.

    If inference leaves any of them open, the graph is run once on an image of random numbers; see `twoflow.networks.
    limits` for what ends such a run.

    Parameters
    ----------
    model : ModelProto
        After `fix_input`.

    Returns
    -------
    dict of str to Value
        All outputs that are tensors and whose shape is the same for every image. An output whose shape depends on what
        the image shows, such as a list of found objects, is left out or has sizes of 0. So are outputs behind an
        operator that onnxruntime does not have.

    Raises
    ------
    ValueError
        If the shapes contradict each other, the run fails, or the graph exceeds a limit: see `check_cost`, `check_size`
        and `time_limit`.
    """
    check_size(model)
    types = _infer(model)
    values = _as_values(types)
    closed = {name for name, each in types.items() if _is_closed(each)}
    outputs = _outputs(model.graph.node)
    missing = [
        name for name in outputs
        if name not in closed and (name not in types or _may_be_tensor(types[name]))
    ]
    if missing:
        varying = _varying(model, closed)
        values.update(_run(model, types, [name for name in missing if name not in varying]))
    check_cost(model, values)
    return values


def infer_shapes(model: ModelProto) -> dict[str, Value]:
    """Infer type and shape of the outputs of the graph's nodes, without running it.

    Outputs of unknown type or rank are left out.

    Raises
    ------
    ValueError
        If the shapes contradict each other.
    """
    return _as_values(_infer(model))


def _infer(model: ModelProto) -> dict[str, TypeProto]:
    from onnx import shape_inference

    try:
        inferred = shape_inference.infer_shapes(_without_weights(model), data_prop=True).graph
    except Exception as error:
        raise InputError(f"the shapes of its layers cannot be inferred: {error}") from error
    found = {value.name: value.type for value in (*inferred.value_info, *inferred.output)}
    return {name: each for name, each in found.items() if each.tensor_type.elem_type or not _may_be_tensor(each)}


def _may_be_tensor(kind: TypeProto) -> bool:
    return kind.WhichOneof("value") in (None, "tensor_type")


def _as_values(types: Mapping[str, TypeProto]) -> dict[str, Value]:
    tensors = {name: each.tensor_type for name, each in types.items()}
    return {
        name: Value(each.elem_type, [size.dim_value for size in each.shape.dim])
        for name, each in tensors.items() if each.elem_type and each.HasField("shape")
    }


def _is_closed(kind: TypeProto) -> bool:
    tensor = kind.tensor_type
    return bool(tensor.elem_type) and tensor.HasField("shape") and all(
        size.HasField("dim_value") and size.dim_value >= 0 for size in tensor.shape.dim
    )


def _varying(model: ModelProto, closed: Collection[str]) -> set[str]:
    """Return the values whose shape depends on what the image shows, such as the indices that NonZero finds.

    Those in `closed` do not vary: inference knows their shape.
    """
    return _find_varying(model.graph.node, {value.name for value in model.graph.input}, closed)[0]


def _find_varying(
    nodes: Iterable[NodeProto], images: Iterable[str], closed: Collection[str]
) -> tuple[set[str], set[str]]:
    """Return the values whose shape depends on the values named `images`, and those that depend on them at all."""
    content, varying = set(images), set[str]()
    for node in nodes:
        read = names_read(node)
        if content.isdisjoint(read):
            continue
        decisive = [node.input[i] for i in _SHAPED_BY.get(node.op_type, ()) if i < len(node.input)]
        varies = (
            not varying.isdisjoint(read) or not content.isdisjoint(decisive)
            or any(_varies_inside(body, node.op_type, content) for body in bodies(node))
        )
        if varies:
            varying.update(name for name in node.output if name and name not in closed)
        if varies or node.op_type not in OF_SHAPES:
            content.update(name for name in node.output if name)
    return varying, content


def _varies_inside(body: GraphProto, operator: str, content: Collection[str]) -> bool:
    """Decide whether a graph inside a node computes shapes, or the end of a loop, from what the image shows."""
    varying, inner = _find_varying(body.node, {*content, *(value.name for value in body.input[2:])}, ())
    return bool(varying) or operator == "Loop" and any(value.name in inner for value in body.output[:1])


def _without_weights(model: ModelProto) -> ModelProto:
    """Copy a model for inference: large weights become inputs of the same shape, and no shape is given in advance.

    The file may give shapes for other batches and sizes than those it is run with.
    """
    from onnx import helper

    bare = type(model)()
    for field, value in model.ListFields():
        if field.name != "graph":
            _copy(bare, field.name, value)
    for field, value in model.graph.ListFields():
        if field.name not in ("initializer", "value_info", "output", "doc_string"):
            _copy(bare.graph, field.name, value)
    known = {value.name for value in model.graph.input}
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= _MAX_SHAPE_VALUES:
            bare.graph.initializer.append(tensor)
        elif tensor.name not in known:
            bare.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    bare.graph.output.extend(helper.make_empty_tensor_value_info(value.name) for value in model.graph.output)
    return bare


def _copy(message: Any, name: str, value: Any) -> None:
    if hasattr(value, "ListFields"):
        getattr(message, name).CopyFrom(value)
    elif hasattr(value, "extend"):
        getattr(message, name).extend(value)
    else:
        setattr(message, name, value)


def _outputs(nodes: Iterable[NodeProto]) -> list[str]:
    return [name for node in nodes for name in node.output if name]


def _run(model: ModelProto, types: Mapping[str, TypeProto], wanted: Sequence[str]) -> dict[str, Value]:
    """Run the graph once, and return type and shape of the wanted values, as far as onnxruntime can compute them.

    Only shapes leave the run, so that no value is kept longer than the graph needs it.
    """
    foreign = [node for node in model.graph.node if node.domain not in ("", "ai.onnx")]
    behind = find_dependent(model.graph.node, _outputs(foreign))
    for names in dict.fromkeys((tuple(wanted), tuple(name for name in wanted if name not in behind))):
        if names and (found := _try_run(model, types, names)) is not None:
            return found
    return {}


def _try_run(model: ModelProto, types: Mapping[str, TypeProto], names: Sequence[str]) -> dict[str, Value] | None:
    """Run the graph up to these values; None if onnxruntime cannot open it."""
    from onnx import helper

    probe = type(model)()
    probe.CopyFrom(model)
    graph = probe.graph
    for field in (graph.output, graph.value_info, graph.node):
        del field[:]
    graph.node.extend(find_needed(model.graph.node, names)[0])
    shapes = [f"{name}.twoflow.shape" for name in names]
    graph.node.extend(helper.make_node("Shape", [name], [shape]) for name, shape in zip(names, shapes))
    # The run fetches the shapes only; the values are outputs too where only onnxruntime knows their type.
    untyped = [name for name in names if name not in types]
    graph.output.extend(helper.make_empty_tensor_value_info(name) for name in (*shapes, *untyped))
    try:
        session = limited_session(probe.SerializeToString())
    except Exception:  # onnxruntime's errors have no common base class
        return None
    [source] = session.get_inputs()
    image = np.random.default_rng(0).random(source.shape, np.float32)
    with onnxruntime_errors(), time_limit() as options:
        found = session.run(shapes, {source.name: image}, options)
    kinds = {each.name: read_kind(each.type) for each in session.get_outputs()}
    return {
        name: Value(types[name].tensor_type.elem_type if name in types else kinds[name], shape.tolist())
        for name, shape in zip(names, found)
    }


def is_predictable(model: ModelProto) -> bool:
    """Return whether a run costs the same for every image: no loops and branches, no shapes that images decide."""
    has_bodies = any(True for node in model.graph.node for _ in bodies(node))
    return not (has_bodies or model.functions or _varying(model, ()))
