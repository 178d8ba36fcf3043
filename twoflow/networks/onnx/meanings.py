"""What each tensor of an ONNX graph means: its axes, and how the positions of the image have vanished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .axes import Axes, single, unknown
from .structure import Structure

#: What is found of the outputs of a node: the axes of each; None if only its shape is known.
Found = Sequence[Axes | None]
#: How positions can vanish that count as a pool.
POOLS = {
    "mean": "the mean over all positions",
    "max": "the largest value over all positions",
    "sum": "the sum over all positions",
    "norm": "a norm over all positions",
    "weights": "a weighted sum over all positions, with fixed weights",
}
#: The same for the selection of the first token.
CLASS_TOKEN = "token 0"


class Meaning(NamedTuple):
    """What is known of a tensor.

    Attributes
    ----------
    axes : Axes
    taken : frozenset of str
        How the positions of the image vanished, if they have: keys of `POOLS`, "token 0" and the like, "attention",
        "dense", "window". Empty while there are positions.
    """

    axes: Axes
    taken: frozenset[str] = frozenset()


class Meanings:
    """What each tensor of a graph means; `following.follow_axes` fills it in.

    Parameters
    ----------
    structure : Structure

    Attributes
    ----------
    of : dict of str to Meaning
        By the name of the tensor. Tensors of unknown shape are left out.
    is_counted : bool
        Whether class tokens were recognized by their count alone, because an unknown operator adds them.
    mixing : set of str
        The outputs of the nodes that let the positions of the image see each other, as attention does.
    """

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.mixing: set[str] = set()
        self.is_counted = False
        source = structure.source
        image = tuple(single(letter, size) for letter, size in zip(" CHW", structure.shapes[source]))
        self.of = {source: Meaning(image)}

    def axes(self, name: str) -> Axes | None:
        """Return the axes of a tensor; None if not even its shape is known."""
        if name in self.of:
            return self.of[name].axes
        shape = self.structure.shapes.get(name)
        return None if shape is None else unknown(shape)
