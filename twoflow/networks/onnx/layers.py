"""Which tensors of an ONNX graph are layers, and how each leaves the graph as a map or a vector."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..card import Layer
from .axes import has, has_positions, read_map
from .meanings import Meaning, Meanings


class Exit(NamedTuple):
    """How a tensor leaves the graph: what is done to it, in this order.

    Attributes
    ----------
    tensor : str
        The name of the tensor.
    layer : Layer
        What it is when it leaves.
    part : (int, int, int) or None
        An axis, and the start and end of the part that is kept. None by default: everything is kept.
    order : tuple of int or None
        The new order of the axes. None by default: the order stays the same.
    shape : tuple of int or None
        The new shape, where -1 is the number of images. None by default: the shape stays the same.
    is_half : bool
        Whether it is float16 inside and becomes float32 then. False by default.
    is_mean : bool
        Whether the mean over all positions of the map is taken then. False by default.
    """

    tensor: str
    layer: Layer
    part: tuple[int, int, int] | None = None
    order: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    is_half: bool = False
    is_mean: bool = False


def find_layers(meanings: Meanings) -> dict[str, Exit]:
    """Find the layers: the outputs of the graph's nodes that can serve as features.

    Parameters
    ----------
    meanings : Meanings

    Returns
    -------
    dict of str to Exit
        By the name of the tensor, in the order of the graph. All depend on the image, and are float32 or float16. A map
        of one position counts as a vector. Left out is what has its positions in another order than the image, such as
        windows, and what has no channels, such as the weights of attention.
    """
    layers = {}
    for node in meanings.structure.nodes:
        for name in node.output:
            if (found := as_layer(meanings, name)) is not None:
                layers[name] = found
    return layers


def as_layer(meanings: Meanings, name: str) -> Exit | None:
    """Return how a tensor leaves the graph; None if it is no layer."""
    from onnx import TensorProto

    structure = meanings.structure
    if name not in meanings.of or name not in structure.values or name == structure.source:
        return None
    if structure.values[name].kind not in (TensorProto.FLOAT, TensorProto.FLOAT16):
        return None
    shape, meaning = structure.shapes[name], meanings.of[name]
    found = _as_vector(name, shape, meaning) or _as_map(name, shape, meaning)
    is_half = structure.values[name].kind == TensorProto.FLOAT16
    return None if found is None else found._replace(is_half=is_half)


def _as_vector(name: str, shape: list[int], meaning: Meaning) -> Exit | None:
    width = math.prod(shape)
    if len(shape) == 2 and shape[0] == 1:
        return Exit(name, Layer(width, is_map=False))
    if max(shape, default=0) != width or has_positions(meaning.axes) or has(meaning.axes, "?"):
        return None
    if len(shape) < 2 or len(shape) == 3 and width == 1:
        return None
    return Exit(name, Layer(width, is_map=False), shape=(-1, width))


def _as_map(name: str, shape: list[int], meaning: Meaning) -> Exit | None:
    found = read_map(meaning.axes)
    if found is None or len(shape) not in (3, 4) or len(shape) == 3 and found.channel is None:
        return None
    rows, columns = found.grid
    part = None
    if found.before or found.after:
        part = (found.positions[0], found.before, found.before + rows * columns)
    axes = [*found.positions] if found.channel is None else [found.channel, *found.positions]
    order = (*(i for i in range(len(shape)) if i not in axes), *axes)
    is_turned = order != tuple(range(len(shape)))
    return Exit(
        name, Layer(found.width, is_map=True, positions=(rows, columns)), part, order if is_turned else None,
        (-1, found.width, rows, columns) if is_turned or len(found.positions) == 1 else None,
    )


def token(exit: Exit, number: int) -> Exit:
    """Return how one token leaves the graph, of a map that is made of tokens.

    Parameters
    ----------
    exit : Exit
        How the map leaves. It has a `part`.
    number : int
        The place of the token, from 0 on.
    """
    assert exit.part is not None
    width = exit.layer.width
    part = exit.part[0], number, number + 1
    return Exit(exit.tensor, Layer(width, is_map=False), part, None, (-1, width), exit.is_half)


def mean(exit: Exit) -> Exit:
    """Return how the mean of a map over all positions leaves the graph."""
    return exit._replace(layer=Layer(exit.layer.width, is_map=False), is_mean=True)
