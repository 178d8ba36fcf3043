"""An ONNX graph under construction."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

#: The least operator sets that have everything: Resize with antialiasing has come with 18, trees in float64 with 3.
OPSET, ML_OPSET = 18, 3
ML_DOMAIN = "ai.onnx.ml"


class Output(NamedTuple):
    """An output of a graph: a vector.

    Attributes
    ----------
    value : str
        The name of the value that it is.
    length : int or str
        How many values; a name if it depends on the image.
    dtype : dtype of NumPy
        float32 by default.
    """

    value: str
    length: int | str
    dtype: Any = np.float32


class Graph:
    """The nodes and constants of a graph, to which `to_onnx` adds the parts of a model.

    Attributes
    ----------
    opset : int
        The operator set of the graph: `OPSET`, or that of a network which needs a newer one.
    shared : dict
        What parts have added and others can use too, such as the layers of a network, under keys of their own.
    """

    def __init__(self) -> None:
        self.opset = OPSET
        self.shared: dict[Hashable, Any] = {}
        self._nodes: list[NodeProto] = []
        self._constants: dict[Hashable, TensorProto] = {}
        self._count = 0

    def add(self, operator: str, *inputs: str | np.ndarray | np.generic, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output, and return the name of the output.

        Parameters
        ----------
        operator : str
            The name of an ONNX operator.
        *inputs : str, ndarray or NumPy scalar
            The names of values; arrays and scalars become constants of their dtype. An empty name leaves an optional
            input out.
        domain : str
            The domain of the operator; "" by default, which is that of ONNX itself.
        **attributes : any
            The attributes of the operator.
        """
        from onnx import helper

        self._count += 1
        name = f"{operator}_{self._count}"
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        self._nodes.append(helper.make_node(operator, names, [name], name, domain=domain, **attributes))
        return name

    def cast(self, value: str, dtype: Any) -> str:
        """Convert a value to a dtype of NumPy; return the name of the result."""
        from onnx import helper

        return self.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def constant(self, values: np.ndarray | np.generic) -> str:
        """Add a constant, unless there is one that is equal; return its name."""
        from onnx import numpy_helper

        values = np.asarray(values)
        key = values.dtype.str, values.shape, sha256(values.tobytes()).digest()
        if key not in self._constants:
            self._constants[key] = numpy_helper.from_array(values, f"constant_{len(self._constants)}")
        return self._constants[key].name

    def extend(self, nodes: Iterable[NodeProto], constants: Iterable[TensorProto] = ()) -> None:
        """Add nodes and constants that have names already; the names must be unique in the graph."""
        self._nodes.extend(nodes)
        self._constants.update((tensor.name, tensor) for tensor in constants)

    @property
    def n_bytes(self) -> int:
        """The size of the constants, without those inside of nodes."""
        return sum(len(tensor.raw_data) for tensor in self._constants.values())

    def finish(self, inputs: Mapping[str, tuple], outputs: Mapping[str, Output]) -> ModelProto:
        """Return the model: the graph without what no output needs.

        Parameters
        ----------
        inputs : mapping of str to tuple
            The shape of each uint8 input; a str is a side of any length.
        outputs : mapping of str to Output
            By the name of each output.
        """
        from onnx import TensorProto, helper

        from ...networks.onnx.nodes import names_read

        ends = [helper.make_node("Identity", [output.value], [name], name) for name, output in outputs.items()]
        needed = {output.value for output in outputs.values()}
        nodes: list[NodeProto] = []
        for node in reversed(self._nodes):
            if needed.intersection(node.output):
                nodes.append(node)
                needed.update(names_read(node))
        constants = [tensor for tensor in self._constants.values() if tensor.name in needed]
        body = helper.make_graph(
            [*reversed(nodes), *ends],
            "twoflow",
            [helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(np.dtype(output.dtype)), [output.length]
            ) for name, output in outputs.items()],
            constants,
        )
        versions = [helper.make_opsetid("", self.opset), helper.make_opsetid(ML_DOMAIN, ML_OPSET)]
        return helper.make_model(
            body, producer_name="twoflow", opset_imports=versions,
            ir_version=helper.find_min_ir_version_for(versions, ignore_unknown=True),
        )
