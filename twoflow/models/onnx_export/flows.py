"""Export flows: pixels, projections, colors and networks, and several of them side by side."""

from __future__ import annotations

from inspect import getattr_static

import numpy as np

from ...errors import InputError
from ...flows import CNNEmbedding, ColorHistogram, FlowUnion, PixelProjection, RawPixels
from ...flows.contract import FlowContract
from ...flows.views import VIEWS
from .color import add_histogram
from .graph import Graph
from .image_input import ImageInput
from .networks import add_layer
from .pooling import pool
from .registry import to_onnx


def add_flow(graph: Graph, flow: FlowContract, image: ImageInput) -> str:
    """Add a fitted flow; see `to_onnx`.

    Raises
    ------
    ValueError
        If it cannot be exported. Also if its class is derived from one that can, but computes something else.
    """
    known = next(each for each in type(flow).__mro__ if each in to_onnx.registry)
    for method in ("extract", "extract_together", "extract_batch"):
        if hasattr(known, method) and getattr_static(known, method) is not getattr_static(flow, method):
            raise InputError(
                f"{type(flow).__name__} has its own {method}, so it cannot be exported as a {known.__name__}; register "
                "a function for it with twoflow.models.onnx_export.to_onnx"
            )
    return to_onnx(flow, graph, image)


@to_onnx.register
def _(flow: FlowUnion, graph: Graph, source: ImageInput) -> str:
    return graph.add("Concat", *(add_flow(graph, member, source) for member in flow.members()), axis=1)


@to_onnx.register
def _(flow: RawPixels, graph: Graph, source: ImageInput) -> str:
    row = graph.add("Reshape", source.resized(flow.size), np.array([1, -1]))
    return graph.add("Div", graph.cast(row, np.float32), np.float32(255))


@to_onnx.register
def _(flow: PixelProjection, graph: Graph, source: ImageInput) -> str:
    """Take out the values of each component, as many as that with the most; the others get weights of zero."""
    weights = flow.components_
    counts = np.diff(weights.indptr)
    is_used = np.arange(counts.max()) < counts[:, None]
    columns, padded = np.zeros(is_used.shape, np.int32), np.zeros(is_used.shape, np.float32)
    columns[is_used], padded[is_used] = flow.columns_[weights.indices], weights.data
    pixels = graph.add("Gather", graph.add("Reshape", source.resized(flow.size), np.array([-1])), columns)
    products = graph.add("Mul", graph.cast(pixels, np.float32), padded)
    row = graph.add("Reshape", graph.add("ReduceSum", products, np.array([1])), np.array([1, -1]))
    return graph.add("Div", row, np.float32(255))


@to_onnx.register
def _(flow: ColorHistogram, graph: Graph, source: ImageInput) -> str:
    return add_histogram(graph, source.resized((flow.size, flow.size)), flow)


@to_onnx.register
def _(flow: CNNEmbedding, graph: Graph, source: ImageInput) -> str:
    if flow.precision != "float32":
        raise InputError(
            f"a CNNEmbedding with precision={flow.precision!r} cannot be exported: its exact kernels need a setting of "
            'the onnxruntime session, which a graph does not carry; fit the model with precision="float32"'
        )
    network = flow.open_network()
    views = VIEWS[flow.views]
    maps = [add_layer(graph, network, flow.layer_name, view, source) for view in views]
    return pool(graph, maps, flow.pooling, flow.grid, flow.n_channels, views, flow.center_prior)
