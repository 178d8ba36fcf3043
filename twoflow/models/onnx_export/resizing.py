"""Resize images in ONNX to the same pixels as `twoflow.images.resizing`.

ONNX has an operator that resizes with antialiasing. But runtimes round its weights in another way, and up to 0.6 % of
the values of real images then differ by 1 of 255. That changed one answer in 500 for the recipe "fast", and twelve for
"paper". Here all steps are those of the resizer: weights of 16 bits, sums of integers, and results of 8 bits.
"""

from __future__ import annotations

import numpy as np

from .graph import Graph

#: How many rows of the result are computed together, from the rows of the image that at least one of them needs.
_BLOCK = 16
_SUPPORT = 2.0  # of the cubic filter, in pixels of the result or of the image, whichever are larger
_WEIGHT_BITS, _MOST_BITS = 15, 22  # of a weight, and after the point of weights


def resize_rows(graph: Graph, rows: str, n_out: int) -> str:
    """Resize an image in one direction.

    Parameters
    ----------
    graph : Graph
    rows : str
        The name of the rows of the image, of shape (n_in, n_values) and dtype uint8.
    n_out : int
        How many rows the result has.

    Returns
    -------
    str
        The name of the result, of shape (n_out, n_values) and dtype uint8.
    """
    n_in = graph.cast(graph.add("Shape", rows, start=0, end=1), np.float64)
    scale = graph.add("Div", n_in, np.float64(n_out))
    filter_scale = graph.add("Max", scale, np.float64(1))
    radius = graph.add("Mul", filter_scale, np.float64(_SUPPORT))
    # Block by block; the last block is filled up with repetitions of the last row.
    numbers = np.arange(-(-n_out // _BLOCK) * _BLOCK).clip(max=n_out - 1).reshape(-1, _BLOCK, 1)
    centers = graph.add("Mul", numbers + 0.5, scale)
    first, last = (graph.add("Slice", centers, np.array([place]), np.array([place + 1]), np.array([1]))
                   for place in (0, _BLOCK - 1))
    starts = graph.add("Max", graph.add("Floor", graph.add("Sub", first, radius)), np.float64(0))
    stops = graph.add("Min", graph.add("Ceil", graph.add("Add", last, radius)), n_in)
    longest = graph.add("ReduceMax", graph.add("Sub", stops, starts), keepdims=0)
    offsets = graph.add("Range", np.float64(0), longest, np.float64(1))
    needed = graph.add("Add", starts, offsets)  # of shape (n_blocks, 1, longest)

    weights, bits = _fixed_weights(graph, _weights(graph, needed, n_in, centers, filter_scale))
    within = graph.add("Min", needed, graph.add("Sub", n_in, np.float64(1)))
    gathered = graph.add("Gather", rows, graph.cast(graph.add("Squeeze", within, np.array([1])), np.int64), axis=0)
    # A weight of 16 bits is a high byte, from -128 to 127, and a low one.
    high = graph.add("Floor", graph.add("Mul", weights, np.float64(1 / 256)))
    low = graph.add("Sub", weights, graph.add("Mul", high, np.float64(256)))
    offset = np.uint8(128)
    high, low = (graph.cast(each, np.uint8) for each in (graph.add("Add", high, np.float64(offset)), low))
    total = graph.add("Add", graph.add("Mul", graph.add("MatMulInteger", high, gathered, offset), np.int32(256)),
                      graph.add("MatMulInteger", low, gathered))
    half = graph.cast(graph.add("Pow", np.float64(2), graph.add("Sub", bits, np.float64(1))), np.int32)
    positive = graph.cast(graph.add("Max", graph.add("Add", total, half), np.int32(0)), np.uint32)
    values = graph.add("BitShift", positive, graph.cast(bits, np.uint32), direction="RIGHT")
    values = graph.cast(graph.add("Min", values, np.uint32(255)), np.uint8)
    flat = graph.add("Reshape", values, graph.add("Concat", np.array([-1]), graph.add("Shape", rows, start=1), axis=0))
    return graph.add("Slice", flat, np.array([0]), np.array([n_out]), np.array([0]))


def _weights(graph: Graph, needed: str, n_in: str, centers: str, filter_scale: str) -> str:
    """Add the cubic filter with a = -0.5 for each row of the image and of the result; its sums are 1."""
    distance = graph.add("Sub", needed, graph.add("Sub", centers, np.float64(0.5)))
    x = graph.add("Abs", graph.add("Mul", distance, graph.add("Reciprocal", filter_scale)))
    near = _polynomial(graph, x, (1.5, -2.5, 0, 1))
    far = _polynomial(graph, x, (-0.5, 2.5, -4, 2))
    inside = graph.add("Where", graph.add("Less", x, np.float64(1)), near, far)
    is_used = graph.add("And", graph.add("Less", x, np.float64(_SUPPORT)), graph.add("Less", needed, n_in))
    weights = graph.add("Where", is_used, inside, np.float64(0))
    return graph.add("Div", weights, graph.add("ReduceSum", weights, np.array([2])))


def _polynomial(graph: Graph, x: str, coefficients: tuple[float, ...]) -> str:
    first, *others = coefficients
    value = graph.add("Mul", x, np.float64(first))
    for number, coefficient in enumerate(others):
        value = graph.add("Add", value, np.float64(coefficient)) if coefficient else value
        value = graph.add("Mul", value, x) if number < len(others) - 1 else value
    return value


def _fixed_weights(graph: Graph, weights: str) -> tuple[str, str]:
    """Convert weights to integers: the most bits after the point with which the largest has 15 bits.

    Returns
    -------
    weights : str
        The name of the integers, in float64.
    bits : str
        The name of the number of bits after the point, in float64.
    """
    largest = graph.add("ReduceMax", weights, keepdims=0)
    doubled = graph.add("Mul", 2.0 ** np.arange(1, _MOST_BITS), largest)
    is_short = graph.add("Less", doubled, np.float64(2**_WEIGHT_BITS - 0.5))
    bits = graph.add("ReduceSum", graph.cast(is_short, np.float64), keepdims=0)
    scaled = graph.add("Mul", weights, graph.add("Pow", np.float64(2), bits))
    # Halves are rounded away from zero.
    size = graph.add("Floor", graph.add("Add", graph.add("Abs", scaled), np.float64(0.5)))
    return graph.add("Mul", graph.add("Sign", scaled), size), bits
