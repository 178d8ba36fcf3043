"""The parts of an ONNX graph that decide what its layers mean: shapes, and what depends on the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..bottlenecks import Step, find_bottlenecks
from .integers import find_integers
from .nodes import names_read
from .operators import OF_SHAPES
from .values import Value

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


class Structure:
    """An ONNX graph with the shape of each tensor.

    Parameters
    ----------
    model : ModelProto
        After `fix_input`.
    source : str
        The name of the input that takes the image.
    values : mapping of str to Value
        What `infer_values` returns.

    Attributes
    ----------
    nodes : list of NodeProto
    shapes : dict of str to list of int
        Of each tensor, constants included. Tensors of unknown shape are left out.
    images : set of str
        The tensors that depend on the image, and not only on its size.
    integers : dict of str to ndarray
        Small integer tensors that do not depend on the image; see `find_integers`.
    """

    def __init__(self, model: ModelProto, source: str, values: Mapping[str, Value]) -> None:
        self.source = source
        self.values = values
        self.nodes: list[NodeProto] = list(model.graph.node)
        self.shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
        for value in model.graph.input:
            sizes = [size.dim_value for size in value.type.tensor_type.shape.dim]
            if value.type.tensor_type.HasField("shape") and all(sizes):
                self.shapes.setdefault(value.name, sizes)
        self.shapes.update((name, list(value.shape)) for name, value in values.items() if 0 not in value.shape)
        self.integers = find_integers(model, self.shapes)
        self.producers = {name: node for node in self.nodes for name in node.output if name}
        self._steps = [
            Step(tuple(node.output), () if node.op_type in OF_SHAPES else names_read(node)) for node in self.nodes
        ]
        self.images = {source}
        for step in self._steps:
            if not self.images.isdisjoint(step.inputs):
                self.images.update(name for name in step.outputs if name)

    def path(self, target: str) -> list[Stop]:
        """Return the tensors that every path from the image to `target` passes, in order, with what lies between.

        Parameters
        ----------
        target : str
            The name of a tensor that depends on the image.

        Returns
        -------
        list of Stop
            The last one is that of the node that computes `target`.
        """
        last = next((i for i, step in enumerate(self._steps) if target in step.outputs), -1)
        steps = self._steps[:last + 1]
        waiting, on_path = {target} & self.images, []
        for number in range(last, -1, -1):
            if not waiting.isdisjoint(steps[number].outputs):
                on_path.append(number)
                waiting.update(self.images.intersection(steps[number].inputs))
        numbers = sorted(find_bottlenecks(steps, self.source, target))
        stops: list[Stop] = []
        between: list[NodeProto] = []
        for number in reversed(on_path):
            if numbers and number == numbers[0]:
                numbers.pop(0)
                name = next(name for name in reversed(self.nodes[number].output) if name in waiting)
                stops.append(Stop(name, self.nodes[number], between))
                between = []
            else:
                between.append(self.nodes[number])
        return stops


class Stop(NamedTuple):
    """A tensor that every path passes.

    Attributes
    ----------
    name : str
        The name of the tensor.
    node : NodeProto
        The node that computes it.
    between : sequence of NodeProto
        The nodes on the paths from the stop before to this one.
    """

    name: str
    node: NodeProto
    between: Sequence[NodeProto]
