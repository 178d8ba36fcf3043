"""Compute the integers that a graph derives from the shapes of its tensors, such as where a Slice starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .nodes import attribute
from .operators import OF_SHAPES

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

_MOST = 64  # numbers in a tensor: axes, sizes and indices are fewer


def find_integers(model: ModelProto, shapes: Mapping[str, list[int]]) -> dict[str, np.ndarray]:
    """Compute the small integer tensors that do not depend on the values of the image.

    Parameters
    ----------
    model : ModelProto
    shapes : mapping of str to list of int
        The shape of each tensor.

    Returns
    -------
    dict of str to ndarray of int64
        What cannot be computed with the few operators that exporters use for shapes is left out.
    """
    found: dict[str, np.ndarray] = {}
    for tensor in model.graph.initializer:
        _add(found, tensor.name, _read(tensor))
    for node in model.graph.node:
        if node.op_type not in _RULES or node.domain not in ("", "ai.onnx") or len(node.output) != 1:
            continue
        if node.op_type in OF_SHAPES:
            shape = shapes.get(node.input[0]) if node.input else None
            arguments: list[Any] = [shape]
        else:
            arguments = [found.get(name) for name in node.input if name]
        if any(each is None for each in arguments):
            continue
        try:
            with np.errstate(all="ignore"):
                _add(found, node.output[0], _RULES[node.op_type](node, *arguments))
        except (ValueError, IndexError, TypeError, OverflowError, MemoryError):
            continue  # a damaged graph: onnxruntime refuses it later
    return found


def _add(found: dict[str, np.ndarray], name: str, value: np.ndarray | None) -> None:
    if value is not None and value.size <= _MOST and value.dtype.kind in "iub":
        found[name] = value.astype(np.int64)


def _read(tensor: TensorProto) -> np.ndarray | None:
    from onnx import TensorProto, numpy_helper

    if tensor.data_type not in (TensorProto.INT64, TensorProto.INT32) or len(tensor.dims) > 2:
        return None
    if any(not 0 <= n <= _MOST for n in tensor.dims):
        return None
    try:
        return numpy_helper.to_array(tensor)
    except ValueError:
        return None


def _constant(node: NodeProto) -> np.ndarray | None:
    given = {each.name: each for each in node.attribute}
    if "value" in given:
        return _read(given["value"].t)
    if "value_int" in given:
        return np.array(given["value_int"].i)
    if "value_ints" in given:
        return np.array(list(given["value_ints"].ints), np.int64)
    return None


def _shape(node: NodeProto, shape: list[int]) -> np.ndarray:
    start, end = attribute(node, "start"), attribute(node, "end")
    return np.array(shape, np.int64)[start.i:end.i if end.name else None]


def _axes(node: NodeProto, given: tuple[np.ndarray, ...]) -> list[int]:
    return given[0].ravel().tolist() if given else list(attribute(node, "axes").ints)


def _unsqueeze(node: NodeProto, x: np.ndarray, *axes: np.ndarray) -> np.ndarray:
    return np.expand_dims(x, tuple(_axes(node, axes)))


def _squeeze(node: NodeProto, x: np.ndarray, *axes: np.ndarray) -> np.ndarray:
    return np.squeeze(x, tuple(_axes(node, axes)) or None)


def _slice(node: NodeProto, x: np.ndarray, *given: np.ndarray) -> np.ndarray:
    if given:
        starts, ends, *more = (each.ravel().tolist() for each in given)
        axes = more[0] if more else list(range(len(starts)))
        steps = more[1] if len(more) > 1 else [1] * len(starts)
    else:
        starts, ends = list(attribute(node, "starts").ints), list(attribute(node, "ends").ints)
        axes, steps = list(attribute(node, "axes").ints) or list(range(len(starts))), [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        index = [slice(None)] * x.ndim
        index[axis] = slice(start, None if end < -x.shape[axis] and step < 0 else end, step)
        x = x[tuple(index)]
    return x


def _divide(node: NodeProto, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    return np.trunc(x / y).astype(np.int64) if y.all() else None


def _reshape(node: NodeProto, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(shape.tolist())])


_RULES: dict[str, Callable[..., np.ndarray | None]] = {
    "Constant": _constant,
    "Shape": _shape,
    "Size": lambda node, shape: np.array(np.prod(shape, dtype=np.float64)).astype(np.int64),
    "Gather": lambda node, x, i: np.take(x, i, axis=attribute(node, "axis").i),
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Concat": lambda node, *parts: np.concatenate(parts, axis=attribute(node, "axis").i),
    "Slice": _slice,
    "Cast": lambda node, x: x,
    "Identity": lambda node, x: x,
    "Reshape": _reshape,
    "Add": lambda node, x, y: x + y,
    "Sub": lambda node, x, y: x - y,
    "Mul": lambda node, x, y: x * y,
    "Div": _divide,
    "Neg": lambda node, x: -x,
}
