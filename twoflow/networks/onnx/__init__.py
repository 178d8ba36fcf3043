"""Any ONNX file as a network."""

from .external import require_own_weights
from .graph import cut, load
from .opening import open_onnx, read_graph
from .shapes import is_predictable

__all__ = ["cut", "is_predictable", "load", "open_onnx", "read_graph", "require_own_weights"]
