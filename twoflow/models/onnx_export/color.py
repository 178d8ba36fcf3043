"""Color histograms in ONNX: the counterpart of `twoflow.flows.color`."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ...flows.color import SPACES, ColorHistogram, bin_table
from .graph import Graph

# OpenCV's fixed-point arithmetic: the number of bits after the point of weights, of linear light and of cube roots.
_WEIGHT_BITS, _LIGHT_BITS, _ROOT_BITS, _HSV_BITS = 12, 3, 15, 12
#: From linear sRGB to CIE XYZ, and the white of XYZ (D65), as OpenCV has them.
_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
_WHITE = np.array([0.950456, 1.0, 1.088754])


def add_histogram(graph: Graph, pixels: str, flow: ColorHistogram) -> str:
    """Add the histograms of a flow; see `twoflow.flows.color.color_histogram`.

    Parameters
    ----------
    graph : Graph
    pixels : str
        The name of the pixels, of shape (size, size, 3) and dtype uint8.
    flow : ColorHistogram

    Returns
    -------
    str
        The name of the features, of shape (1, n_features) and dtype float32.
    """
    key = "color", flow.space, flow.size
    if key not in graph.shared:
        graph.shared[key] = [
            graph.cast(channel, np.int32) for channel in CONVERSIONS[flow.space](graph, split(graph, pixels))
        ]
    rows, columns = (np.arange(flow.size) * n // flow.size for n in flow.grid)
    n_cells, n_bins = int(np.prod(flow.grid)), int(np.prod(flow.bins))
    index = ""
    for channel, low_high, n in zip(graph.shared[key], SPACES[flow.space].ranges, flow.bins):
        bins = graph.add("Gather", bin_table(low_high, n).astype(np.int32), channel)
        index = graph.add("Add", graph.add("Mul", index, np.int32(n)), bins) if index else bins
    cells = ((rows[:, None] * flow.grid[1] + columns) * n_bins).astype(np.int32)
    flat = graph.add("Reshape", graph.add("Add", index, cells), np.array([-1]))
    zeros, ones = np.zeros(n_cells * n_bins, np.float32), np.ones(flow.size**2, np.float32)
    counts = graph.add("ScatterElements", zeros, flat, ones, axis=0, reduction="add")
    counts = graph.add("Reshape", counts, np.array([n_cells, n_bins]))
    shares = graph.add("Div", counts, np.bincount(cells.ravel() // n_bins).astype(np.float32)[:, None])
    return graph.add("Reshape", shares, np.array([1, -1]))


def split(graph: Graph, pixels: str) -> list[str]:
    """Return red, green and blue, each of shape (size, size) and dtype float32, which holds all integers used here."""
    values = graph.cast(pixels, np.float32)
    return [graph.add("Gather", values, np.int64(channel), axis=2) for channel in range(3)]


def _to_rgb(graph: Graph, channels: list[str]) -> list[str]:
    return channels


def _to_hsv(graph: Graph, channels: list[str]) -> list[str]:
    """Convert as OpenCV's ``COLOR_RGB2HSV_FULL`` does, with a hue from 0 to 255, to the same integers."""
    red, green, blue = channels
    value = graph.add("Max", *channels)
    spread = graph.add("Sub", value, graph.add("Min", *channels))
    ratios = np.arange(256).clip(1)
    of_saturation = np.rint((255 << _HSV_BITS) / ratios).astype(np.float32)
    of_hue = np.rint((256 << _HSV_BITS) / (6 * ratios)).astype(np.float32)
    of_saturation[0] = of_hue[0] = 0

    def scaled(x: str, table: np.ndarray, by: str) -> str:
        product = graph.add("Mul", x, graph.add("Gather", table, graph.cast(by, np.int32)))
        return _descale(graph, product, _HSV_BITS)

    def distance(first: str, second: str, sectors: int) -> str:
        offset = graph.add("Mul", spread, np.float32(sectors))
        return graph.add("Add", graph.add("Sub", first, second), offset)

    hue = graph.add(
        "Where", graph.add("Equal", value, red), distance(green, blue, 0),
        graph.add("Where", graph.add("Equal", value, green), distance(blue, red, 2), distance(red, green, 4)),
    )
    hue = scaled(hue, of_hue, spread)
    hue = graph.add("Where", graph.add("Less", hue, np.float32(0)), graph.add("Add", hue, np.float32(256)), hue)
    return [graph.add("Min", hue, np.float32(255)), scaled(spread, of_saturation, value), value]


def _to_lab(graph: Graph, channels: list[str]) -> list[str]:
    """Convert as OpenCV's ``COLOR_RGB2LAB`` does, to the same integers."""
    light_of, root_of = _lab_tables()
    light = [graph.add("Gather", light_of, graph.cast(channel, np.int32)) for channel in channels]
    weights = np.rint((1 << _WEIGHT_BITS) * _XYZ / _WHITE[:, None]).astype(np.float32)
    x, y, z = (
        graph.add("Gather", root_of, graph.cast(_descale(graph, _weigh(graph, light, row), _WEIGHT_BITS), np.int32))
        for row in weights
    )
    one = 1 << _ROOT_BITS
    lightness = _weigh(graph, [y], [(116 * 255 + 50) // 100], -((16 * 255 * one + 50) // 100))
    return [
        _descale(graph, value, _ROOT_BITS)
        for value in (lightness, _weigh(graph, [x, y], [500, -500], 128 * one),
                      _weigh(graph, [y, z], [200, -200], 128 * one))
    ]


@lru_cache(maxsize=1)
def _lab_tables() -> tuple[np.ndarray, np.ndarray]:
    """Return linear light for each value of sRGB, and the cube root of CIE Lab for each value of light."""
    srgb = np.arange(256) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    light = np.rint(255 * (1 << _LIGHT_BITS) * linear)
    share = np.arange(256 * 3 // 2 * (1 << _LIGHT_BITS)) / (255 * (1 << _LIGHT_BITS))
    root = np.where(share < 216 / 24389, share * 841 / 108 + 16 / 116, np.cbrt(share))
    # OpenCV rounds the roots to float32 first, which decides where one then lies half-way between two integers.
    return light.astype(np.float32), np.rint(np.float32(1 << _ROOT_BITS) * root.astype(np.float32))


def _weigh(graph: Graph, values: list[str], weights: np.ndarray | list[int], offset: int = 0) -> str:
    """Add a weighted sum of values and an offset."""
    total = ""
    for value, weight in zip(values, weights):
        product = graph.add("Mul", value, np.float32(weight))
        total = graph.add("Add", total, product) if total else product
    return graph.add("Add", total, np.float32(offset)) if offset else total


def _descale(graph: Graph, value: str, bits: int) -> str:
    """Divide by a power of two, and round half up."""
    return graph.add("Floor", graph.add("Mul", graph.add("Add", value, np.float32(1 << bits - 1)),
                                        np.float32(2.0**-bits)))


#: From the channels of RGB to those of each space, as float32 with the values of OpenCV's uint8.
CONVERSIONS: dict[str, Callable[[Graph, list[str]], list[str]]] = {"rgb": _to_rgb, "hsv": _to_hsv, "lab": _to_lab}
