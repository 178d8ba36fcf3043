"""Resize images in ONNX to the same pixels as `twoflow.images.resizing`.

ONNX has an operator that resizes with antialiasing. But runtimes round its weights in another way, and up to 0.6 % of
the values of real images then differ by 1 of 255. That changed one answer in 500 for the recipe "fast", and twelve for
"paper". Here all steps are those of the resizer: weights of 16 bits, sums of integers, and results of 8 bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .fitting import Number, Side
from .graph import Graph

#: How many rows of the result are computed together, from the rows of the image that at least one of them needs.
_BLOCK = 16
_WEIGHT_BITS, _MOST_BITS = 15, 22  # of a weight, and after the point of weights


def cut_needed(graph: Graph, pixels: str, axis: int, side: Side, n_in: str, filter: str) -> tuple[str, Side]:
    """Cut out what `resize_rows` needs of an image in one direction, as `twoflow.images.resizing.needed_part` does.

    Parameters
    ----------
    graph : Graph
    pixels : str
        The name of the pixels.
    axis : int
        The axis of the pixels.
    side : Side
        The part that is kept.
    n_in : str
        The name of the length of the axis, in float64.
    filter : str
        One of `twoflow.images.FILTERS`.

    Returns
    -------
    pixels : str
    side : Side
        The part, in pixels of what was cut out.
    """
    one = np.float64(1)
    scale = graph.add("Div", graph.add("Sub", side.stop, side.start), side.n_kept)
    radius = graph.add("Mul", graph.add("Max", scale, one), np.float64(_FILTERS[filter].support))
    first = graph.add("Sub", graph.add("Floor", graph.add("Sub", side.start, radius)), one)
    last = graph.add("Add", graph.add("Ceil", graph.add("Add", side.stop, radius)), one)
    first, last = graph.add("Max", first, np.float64(0)), graph.add("Min", last, n_in)
    bounds = (graph.cast(each, np.int64) for each in (first, last))
    start, stop = (graph.add("Sub", each, first) for each in (side.start, side.stop))
    return graph.add("Slice", pixels, *bounds, np.array([axis])), side._replace(start=start, stop=stop)


def resize_rows(graph: Graph, rows: str, n_out: int | None, side: Side, filter: str) -> str:
    """Resize an image in one direction.

    Parameters
    ----------
    graph : Graph
    rows : str
        The name of the rows of the image, of shape (n_in, n_values) and dtype uint8.
    n_out : int or None
        How many rows the result has. None: as many as the part becomes, a multiple of 32 that depends on the image.
    side : Side
        The part of the rows that is kept, and where it lies in the result. Margins repeat its first and last row.
    filter : str
        One of `twoflow.images.FILTERS`.

    Returns
    -------
    str
        The name of the result, of shape (n_out, n_values) and dtype uint8.
    """
    n_in = graph.cast(graph.add("Shape", rows, start=0, end=1), np.float64)
    length = graph.add("Sub", side.stop, side.start)
    if _FILTERS[filter].weigh is not None:  # the resizer computes the end of the part again, and its length from that
        length = graph.add("Sub", graph.add("Add", side.start, length), side.start)
    scale = graph.add("Div", length, side.n_kept)
    # Block by block; the last block is filled up with repetitions of the last row.
    numbers: Any
    if n_out is None:
        every = graph.add("Range", np.float64(0), graph.add("Squeeze", side.n_kept), np.float64(1))
        numbers = graph.add("Reshape", every, np.array([-1, _BLOCK, 1]))
    else:
        numbers = np.arange(-(-n_out // _BLOCK) * _BLOCK).clip(max=n_out - 1).reshape(-1, _BLOCK, 1).astype(np.float64)
    places = graph.add("Max", graph.add("Sub", numbers, side.n_before), np.float64(0))
    places = graph.add("Min", places, graph.add("Sub", side.n_kept, np.float64(1)))
    centers = graph.add("Add", side.start, graph.add("Mul", graph.add("Add", places, np.float64(0.5)), scale))
    if _FILTERS[filter].weigh is None:
        gathered = _gather(graph, rows, graph.add("Floor", centers), n_in)
        return _cut(graph, gathered, rows, n_out)
    filter_scale = graph.add("Max", scale, np.float64(1))
    radius = graph.add("Mul", filter_scale, np.float64(_FILTERS[filter].support))
    first, last = (graph.add("Slice", centers, np.array([place]), np.array([place + 1]), np.array([1]))
                   for place in (0, _BLOCK - 1))
    starts = graph.add("Max", graph.add("Floor", graph.add("Sub", first, radius)), np.float64(0))
    stops = graph.add("Min", graph.add("Ceil", graph.add("Add", last, radius)), n_in)
    longest = graph.add("ReduceMax", graph.add("Sub", stops, starts), keepdims=0)
    offsets = graph.add("Range", np.float64(0), longest, np.float64(1))
    needed = graph.add("Add", starts, offsets)  # of shape (n_blocks, 1, longest)

    weights, bits = _fixed_weights(graph, _weights(graph, needed, n_in, centers, filter_scale, _FILTERS[filter]))
    gathered = _gather(graph, rows, graph.add("Squeeze", needed, np.array([1])), n_in)
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
    return _cut(graph, values, rows, n_out)


def _gather(graph: Graph, rows: str, numbers: str, n_in: str) -> str:
    within = graph.add("Min", numbers, graph.add("Sub", n_in, np.float64(1)))
    return graph.add("Gather", rows, graph.cast(within, np.int64), axis=0)


def _cut(graph: Graph, blocks: str, rows: str, n_out: int | None) -> str:
    """Join blocks of rows, and leave out the repetitions in the last one, if there are any."""
    flat = graph.add("Reshape", blocks, graph.add("Concat", np.array([-1]), graph.add("Shape", rows, start=1), axis=0))
    return flat if n_out is None else graph.add("Slice", flat, np.array([0]), np.array([n_out]), np.array([0]))


def _weights(graph: Graph, needed: str, n_in: str, centers: str, filter_scale: str, filter: _Filter) -> str:
    """Add the weight of each row of the image for each row of the result; the sums are 1."""
    assert filter.weigh is not None
    distance = graph.add("Sub", needed, graph.add("Sub", centers, np.float64(0.5)))
    x = graph.add("Mul", distance, graph.add("Reciprocal", filter_scale))
    is_used = graph.add("And", filter.is_near(graph, x, filter.support), graph.add("Less", needed, n_in))
    weights = graph.add("Where", is_used, filter.weigh(graph, graph.add("Abs", x)), np.float64(0))
    return graph.add("Div", weights, graph.add("ReduceSum", weights, np.array([2])))


def _box(graph: Graph, x: str) -> np.float64:
    return np.float64(1)


def _bilinear(graph: Graph, x: str) -> str:
    return graph.add("Sub", np.float64(1), x)


def _bicubic(graph: Graph, x: str) -> str:
    """Add the cubic filter with a = -0.5."""
    near = _polynomial(graph, x, (1.5, -2.5, 0, 1))
    far = _polynomial(graph, x, (-0.5, 2.5, -4, 2))
    return graph.add("Where", graph.add("Less", x, np.float64(1)), near, far)


def _lanczos(graph: Graph, x: str) -> str:
    return graph.add("Mul", _sinc(graph, x), _sinc(graph, graph.add("Div", x, np.float64(3))))


def _sinc(graph: Graph, x: str) -> str:
    angle = graph.add("Mul", x, np.float64(math.pi))
    is_zero = graph.add("Equal", x, np.float64(0))
    divisor = graph.add("Where", is_zero, np.float64(1), angle)
    return graph.add("Where", is_zero, np.float64(1), graph.add("Div", graph.add("Sin", angle), divisor))


def _within(graph: Graph, x: str, support: float) -> str:
    return graph.add("Less", graph.add("Abs", x), np.float64(support))


def _within_or_right(graph: Graph, x: str, support: float) -> str:
    """Add the condition of the box filter: of two rows at the same distance, the one behind counts."""
    return graph.add("And", graph.add("Greater", x, np.float64(-support)),
                     graph.add("LessOrEqual", x, np.float64(support)))


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


class _Filter(NamedTuple):
    """A filter: its support, its weight at a distance from 0, and which signed distances are used."""

    support: float  # in pixels of the result or of the image, whichever are larger
    weigh: Callable[[Graph, str], Number] | None  # None: each row is one row of the image
    is_near: Callable[[Graph, str, float], str] = _within


_FILTERS = {
    "nearest": _Filter(0.5, None),
    "box": _Filter(0.5, _box, _within_or_right),
    "bilinear": _Filter(1.0, _bilinear),
    "bicubic": _Filter(2.0, _bicubic),
    "lanczos": _Filter(3.0, _lanczos),
}
