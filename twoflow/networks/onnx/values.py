"""What is known of a value in an ONNX graph: its data type and its shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple


class Value(NamedTuple):
    """An output of a node: its ONNX data type and its shape. An unknown size is 0."""

    kind: int
    shape: Sequence[int]

    @property
    def n_bytes(self) -> int:
        """How much memory it takes; 0 if a size is unknown."""
        return math.prod(self.shape) * _item_sizes().get(self.kind, 4)


def read_kind(text: str) -> int:
    """Return the data type of ONNX for onnxruntime's name of a type, such as "tensor(float)"; 0 if it is no tensor."""
    from onnx import TensorProto

    name = text.removeprefix("tensor(").removesuffix(")").upper()
    return TensorProto.DataType.Value(name) if name in TensorProto.DataType.keys() else 0


@lru_cache(maxsize=1)
def _item_sizes() -> dict[int, int]:
    from onnx import helper

    return {kind: helper.tensor_dtype_to_np_dtype(kind).itemsize for kind in helper.get_all_tensor_dtypes()}
