"""Compute in ONNX where the pixels of a fitted image come from, in the steps of `twoflow.images.Fitting.place`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...images import Fitting
from ...images.fitting import MOST_RATIO, SIDE_STEP
from .graph import Graph

#: A float64 of the graph, or one that is known already.
Number = str | np.float64


class Side(NamedTuple):
    """One direction of a fitted image, all in float64.

    Attributes
    ----------
    start, stop : Number
        The edges of the part of the image that is kept, in pixels of the image.
    n_kept : Number
        How many pixels of the result that part becomes.
    n_before : Number
        How many pixels of the pad color precede it.
    """

    start: Number
    stop: Number
    n_kept: Number
    n_before: Number


def is_whole(fitting: Fitting) -> bool:
    """Return whether nothing is cut off or added, whatever the image."""
    return fitting.fit == "area" or fitting.fit == "stretch" and fitting.target == fitting.size


def may_pad(fitting: Fitting) -> bool:
    """Return whether a margin may be added to some image."""
    if fitting.fit == "area":
        return False
    return fitting.fit == "pad" or any(have < want for have, want in zip(fitting.target, fitting.size))


def place(graph: Graph, full_size: tuple[str, str], fitting: Fitting) -> tuple[Side, Side]:
    """Add the counterpart of `Fitting.place` and of `Placement.box`; return both directions, the width's first.

    Parameters
    ----------
    graph : Graph
    full_size : (str, str)
        The names of the image's width and height, in float64.
    fitting : Fitting
    """
    if fitting.fit == "area":
        across, down = (
            Side(np.float64(0), full, scaled, np.float64(0))
            for full, scaled in zip(full_size, _scale_to_area(graph, full_size, fitting))
        )
        return across, down
    if is_whole(fitting):
        across, down = (
            Side(np.float64(0), full, np.float64(size), np.float64(0)) for full, size in zip(full_size, fitting.size)
        )
        return across, down
    across, down = (
        _place_side(graph, full, scaled, np.float64(size), fitting.rounding)
        for full, scaled, size in zip(full_size, _scale(graph, full_size, fitting), fitting.size)
    )
    return across, down


def _scale_to_area(graph: Graph, full_size: tuple[str, str], fitting: Fitting) -> list[Number]:
    """Add the counterpart of `Fitting.size_of` for the fit "area"."""
    n_pixels, step = np.float64(fitting.size[0] * fitting.size[1]), np.float64(SIDE_STEP)
    ratio = graph.add("Max", graph.add("Div", *full_size), np.float64(1 / MOST_RATIO))
    ratio = graph.add("Min", ratio, np.float64(MOST_RATIO))
    sides = (graph.add("Sqrt", graph.add(operator, n_pixels, ratio)) for operator in ("Mul", "Div"))
    steps = (graph.add("Max", graph.add("Round", graph.add("Div", side, step)), np.float64(1)) for side in sides)
    return [graph.add("Mul", each, step) for each in steps]


def _scale(graph: Graph, full_size: tuple[str, str], fitting: Fitting) -> list[Number]:
    """Add the counterpart of `Fitting.scale`."""
    targets = [np.float64(side) for side in fitting.target]
    if fitting.fit == "stretch":
        return list(targets)
    if fitting.fit == "crop" and targets[0] == targets[1]:
        shorter = graph.add("Min", *full_size)
        return [graph.add("Floor", graph.add("Div", graph.add("Mul", targets[0], side), shorter)) for side in full_size]
    ratios = [graph.add("Div", side, target) for side, target in zip(full_size, targets)]
    ratio = graph.add("Min" if fitting.fit == "crop" else "Max", *ratios)
    return [graph.add("Max", graph.add("Round", graph.add("Div", side, ratio)), np.float64(1)) for side in full_size]


def _place_side(graph: Graph, full: str, scaled: Number, size: np.float64, rounding: str) -> Side:
    zero, half = np.float64(0), np.float64(0.5)
    margin = graph.add("Sub", scaled, size)
    cut = graph.add("Mul", graph.add("Max", margin, zero), half)
    first = graph.add("Floor" if rounding == "down" else "Round", cut)
    added = graph.add("Floor", graph.add("Mul", graph.add("Max", graph.add("Neg", margin), zero), half))
    n_kept = graph.add("Min", scaled, size)
    step = graph.add("Div", full, scaled)
    stop = graph.add("Mul", graph.add("Add", first, n_kept), step)
    stop = graph.add("Where", graph.add("Equal", n_kept, scaled), full, stop)
    return Side(graph.add("Mul", first, step), stop, n_kept, added)
