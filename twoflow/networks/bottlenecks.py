"""Where a graph has a single path from its input to its output."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """A node of a graph, by the names of what it computes and of what it reads."""

    outputs: Collection[str]
    inputs: Collection[str]


def find_bottlenecks(steps: Sequence[Step], source: str, target: str) -> Iterator[int]:
    """The steps that every path from `source` to `target` passes through, the last one first.

    The gate of a squeeze-and-excitation block is no bottleneck, nor is the mean that a normalization subtracts: what
    they are applied to passes by them.

    Parameters
    ----------
    steps : sequence of Step
        Each behind those that compute its inputs.
    source, target : str
        Names of an input of the graph, and of an output.

    Yields
    ------
    int
        The position of a step.
    """
    from_source = {source}
    for step in steps:
        if from_source.intersection(step.inputs):
            from_source.update(step.outputs)
    waiting = {target} & from_source  # what later steps read and earlier steps compute
    for number in range(len(steps) - 1, -1, -1):
        outputs, inputs = steps[number]
        if not waiting.intersection(outputs):
            continue
        waiting.difference_update(outputs)
        if not waiting:
            yield number
        waiting.update(from_source.intersection(inputs))
