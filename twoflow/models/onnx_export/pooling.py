"""Pooling in ONNX: the counterpart of `twoflow.flows.pooling`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...errors import InputError
from ...flows.center_prior import weigh_positions
from ...flows.pooling import GEM_FLOOR, LEAST_CONTRAST, cells, draw_projection, share_cells
from ...flows.views import View
from .graph import Graph

#: The least root of an eigenvalue, relative to the norm of the matrix, for which the root has converged. `pool` drops
#: eigenvalues below 1e-6 of the largest, which is at least a few tenths of the norm.
_LEAST_ROOT = 3e-4
_CONVERGED = 1e-9


class Map(NamedTuple):
    """The output of a layer for one view: the name of its value, of shape (1, c, rows, columns), and its shape.

    If it `varies` from image to image, `rows` and `columns` are those at the network's input size.
    """

    value: str
    n_channels: int
    rows: int
    columns: int
    varies: bool = False


class Positions(NamedTuple):
    """Some positions of maps side by side.

    Attributes
    ----------
    value : str
        The name of the value, of shape (c, n).
    n_channels, n : int
        Its shape. If it `varies` from image to image, there are about `n` positions.
    shares : ndarray of shape (n,), the name of such a value, or None
        How much each position counts, with sum 1. None by default: all count the same.
    """

    value: str
    n_channels: int
    n: int
    shares: np.ndarray | str | None = None
    varies: bool = False


def pool(
    graph: Graph,
    maps: Sequence[Map],
    pooling: str,
    grid: int,
    n_channels: int | None,
    views: Sequence[View],
    center_prior: float | None = None,
) -> str:
    """Pool the positions of all maps together; see `twoflow.flows.pooling.pool`.

    Parameters
    ----------
    graph : Graph
    maps : sequence of Map
        One for each view. If their size depends on the image, each view is the whole image or its mirror image.
    pooling, grid, n_channels, center_prior
        See `twoflow.flows.CNNEmbedding`.
    views : sequence of View

    Returns
    -------
    str
        The name of the features, of shape (1, n_features) and dtype float32.

    Raises
    ------
    ValueError
        If a map whose size depends on the image is to be cut into cells.
    """
    parts: Iterable[Positions]
    if not maps[0].varies:
        parts = _cells(graph, maps, views, grid, center_prior)
    elif grid == 1:
        parts = [_whole(graph, maps, center_prior)]
    else:
        raise InputError(
            f'grid={grid} with fit "area" cannot be exported, because the cells depend on the image; use grid=1'
        )
    vectors = []
    for positions in parts:
        if n_channels is not None:
            directions = draw_projection(n_channels, positions.n_channels)
            value = graph.add("MatMul", directions, graph.cast(positions.value, np.float64))
            positions = positions._replace(value=value, n_channels=n_channels)
        vectors.append(POOLINGS[pooling](graph, positions))
    return graph.add("Unsqueeze", graph.add("Concat", *vectors, axis=0), np.array([0]))


def _cells(
    graph: Graph, maps: Sequence[Map], views: Sequence[View], grid: int, center_prior: float | None
) -> Iterator[Positions]:
    """Yield the positions of all maps in each cell, row by row from the top left."""
    shape, n_channels = (maps[0].rows, maps[0].columns), maps[0].n_channels
    weights = None if center_prior is None else [weigh_positions(view, shape, center_prior) for view in views]
    for (rows, columns), shares in zip(cells(shape, grid), share_cells(weights, grid)):
        n = (rows.stop - rows.start) * (columns.stop - columns.start)
        parts = []
        for each in maps:
            value = each.value
            if n < shape[0] * shape[1]:
                starts, stops = np.array([rows.start, columns.start]), np.array([rows.stop, columns.stop])
                value = graph.add("Slice", value, starts, stops, np.array([2, 3]))
            parts.append(graph.add("Reshape", value, np.array([n_channels, n])))
        yield Positions(graph.add("Concat", *parts, axis=1), n_channels, n * len(maps), shares)


def _whole(graph: Graph, maps: Sequence[Map], center_prior: float | None) -> Positions:
    """Return all positions of maps whose size depends on the image."""
    n_channels, n = maps[0].n_channels, sum(each.rows * each.columns for each in maps)
    parts = [graph.add("Reshape", each.value, np.array([n_channels, -1])) for each in maps]
    shares = None
    if center_prior is not None:
        rows, columns = (_gaussian(graph, maps[0].value, axis, center_prior) for axis in (2, 3))
        weights = graph.add("Mul", graph.add("Unsqueeze", rows, np.array([1])), columns)
        every = graph.add("Concat", *[graph.add("Reshape", weights, np.array([-1]))] * len(maps), axis=0)
        shares = graph.add("Div", every, graph.add("ReduceSum", every, keepdims=0))
    return Positions(graph.add("Concat", *parts, axis=1), n_channels, n, shares, varies=True)


def _gaussian(graph: Graph, value: str, axis: int, center_prior: float) -> str:
    """Add the counterpart of `twoflow.flows.center_prior.weigh_positions` along one side of a map of a whole image."""
    n = graph.cast(graph.add("Squeeze", graph.add("Shape", value, start=axis, end=axis + 1)), np.float64)
    numbers = graph.add("Add", graph.add("Range", np.float64(0), n, np.float64(1)), np.float64(0.5))
    far = graph.add("Sub", graph.add("Div", numbers, n), np.float64(0.5))
    return graph.add("Exp", graph.add("Mul", graph.add("Mul", far, far), np.float64(-1 / (2 * center_prior**2))))


def _mean(graph: Graph, positions: Positions) -> str:
    if positions.shares is None:
        return graph.add("ReduceMean", positions.value, np.array([1]), keepdims=0)
    return graph.cast(_average(graph, graph.cast(positions.value, np.float64), positions.shares), np.float32)


def _average(graph: Graph, value: str, shares: np.ndarray | str | None) -> str:
    """Average a value of shape (c, n) and dtype float64 over its positions."""
    if shares is None:
        return graph.add("ReduceMean", value, np.array([1]), keepdims=0)
    return graph.add("MatMul", value, shares)


def _max(graph: Graph, positions: Positions) -> str:
    return graph.add("ReduceMax", positions.value, np.array([1]), keepdims=0)


def _gem(graph: Graph, positions: Positions) -> str:
    clamped = graph.add("Max", graph.cast(positions.value, np.float64), np.float64(GEM_FLOOR))
    cubes = graph.add("Mul", graph.add("Mul", clamped, clamped), clamped)
    mean = _average(graph, cubes, positions.shares)
    return graph.cast(graph.add("Pow", mean, np.float64(1 / 3)), np.float32)


def _covariance(graph: Graph, positions: Positions) -> str:
    """Compute the square root of the covariance matrix by a scaled Newton-Schulz iteration, in float64."""
    x = graph.cast(positions.value, np.float64)
    centered = graph.add("Sub", x, graph.add("Unsqueeze", _average(graph, x, positions.shares), np.array([1])))
    if positions.shares is not None:
        root = graph.add("Sqrt", positions.shares)
        centered, x = graph.add("Mul", centered, root), graph.add("Mul", x, root)
    # Both products of the map with its transpose have the same non-zero eigenvalues; the smaller product is faster.
    # Gemm transposes: some versions of onnxruntime fuse MatMul and Transpose to an operator they lack for float64.
    is_few = positions.n < positions.n_channels
    product = graph.add("Gemm", centered, centered, transA=int(is_few), transB=int(not is_few))
    norm = graph.add("ReduceL2", product, keepdims=0)
    scaled = graph.add("Div", product, graph.add("Max", norm, np.float64(np.finfo(float).tiny)))
    if is_few:
        identity = graph.add("EyeLike", scaled) if positions.varies else np.eye(positions.n)
        inverse = _roots(graph, scaled, identity, inverse=True)
        root = graph.add("Gemm", graph.add("MatMul", centered, inverse), centered, transB=1)
    else:
        root = _roots(graph, scaled, np.eye(positions.n_channels), inverse=False)
    rows, columns = np.triu_indices(positions.n_channels)
    flat = graph.add("Reshape", root, np.array([-1]))
    triangle = graph.add("Gather", flat, rows * positions.n_channels + columns)
    triangle = graph.add("Mul", triangle, np.where(rows == columns, 1, np.sqrt(2)))
    length = graph.add("Max", graph.add("ReduceL2", triangle, keepdims=0), np.float64(np.finfo(float).tiny))
    unit = graph.cast(graph.cast(graph.add("Div", triangle, length), np.float16), np.float32)
    # A map that is constant up to rounding gives zeros.
    contrast = graph.add("Mul", graph.add("ReduceSumSquare", x, keepdims=0), np.float64(LEAST_CONTRAST**2))
    return graph.add("Where", graph.add("Greater", norm, contrast), unit, np.zeros(len(rows), np.float32))


def _roots(graph: Graph, matrix: str, identity: np.ndarray | str, inverse: bool) -> str:
    """Compute the root, or the inverse root, of a positive semidefinite matrix of norm 1.

    The coupled Newton-Schulz iteration (Higham, Functions of Matrices, 2008, equation 6.35,
    https://doi.org/10.1137/1.9780898717778) brings the roots of all eigenvalues to 1. Each step is scaled so that it
    does most for the smallest of them, see `_steps`; without this, it takes twice as many steps.
    In float64, the rounding errors of a matrix without full rank stay below 1e-9; in float32 they would be 1e-3.
    """
    root, inverse_root = matrix, ""
    steps = _steps()
    for number, (linear, cubic) in enumerate(steps):
        product = graph.add("MatMul", inverse_root, root) if inverse_root else root
        scaled = graph.add("Mul", identity, np.float64(linear)) if isinstance(identity, str) else linear * identity
        factor = graph.add("Sub", scaled, graph.add("Mul", product, np.float64(cubic)))
        is_last = number == len(steps) - 1
        if not (is_last and inverse):
            root = graph.add("MatMul", root, factor)
        if not (is_last and not inverse):
            inverse_root = graph.add("MatMul", factor, inverse_root) if inverse_root else factor
    return inverse_root if inverse else root


@lru_cache(maxsize=1)
def _steps() -> tuple[tuple[float, float], ...]:
    """Return the coefficients of x and -x³ in each step.

    A step takes all values in [low, high] as near to 1 as an odd cubic polynomial can (Chen & Chow, A Stable Scaling of
    Newton-Schulz for Improving the Sign Function Computation of a Hermitian Matrix, 2014, ANL/MCS-P5059-0114).
    """
    low, high = _LEAST_ROOT, 1.0
    steps = []
    while 1 - low > _CONVERGED:
        # On [low, high], a x - b x³ is least at both ends, where it is equal, and greatest at (a / 3 b)^(1/2).
        square = (low * low + low * high + high * high) / 3  # of the place of the maximum
        greatest, least = 2 * square**1.5, low * (3 * square - low * low)
        b = 2 / (greatest + least)
        steps.append((3 * square * b, b))
        low, high = b * least, b * greatest
    return tuple(steps)


#: The poolings by name; each returns a vector of float32.
POOLINGS: dict[str, Callable[[Graph, Positions], str]] = {
    "mean": _mean,
    "max": _max,
    "gem": _gem,
    "covariance": _covariance,
}
