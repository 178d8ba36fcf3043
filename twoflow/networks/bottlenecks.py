"""Find the bottlenecks of a graph: the nodes that every path from its input to its output passes through."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """A node of a graph: the names of the values that it computes, and of those that it reads."""

    outputs: Collection[str]
    inputs: Collection[str]


def find_bottlenecks(steps: Sequence[Step], source: str, target: str) -> Iterator[int]:
    """Find the steps that every path from `source` to `target` passes through.

    The gate of a squeeze-and-excitation block is no bottleneck, because the map that it multiplies has a path around
    it. The mean that a normalization subtracts is none for the same reason.

    Parameters
    ----------
    steps : sequence of Step
        In an order in which every step comes after the steps that compute its inputs.
    source : str
        The name of an input of the graph.
    target : str
        The name of an output of the graph.

    Yields
    ------
    int
        The position of a bottleneck in `steps`, the last bottleneck first.
    """
    from_source = {source}
    for step in steps:
        if from_source.intersection(step.inputs):
            from_source.update(step.outputs)
    waiting = {target} & from_source  # values that a later step reads and an earlier step computes
    for number in range(len(steps) - 1, -1, -1):
        outputs, inputs = steps[number]
        if not waiting.intersection(outputs):
            continue
        waiting.difference_update(outputs)
        if not waiting:
            yield number
        waiting.update(from_source.intersection(inputs))
