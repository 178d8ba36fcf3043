"""Any ONNX file as a network."""

from .cut import cut
from .external import require_own_weights
from .graph import load
from .layers import Exit
from .opening import open_onnx, read_graph
from .shapes import is_predictable

__all__ = ["Exit", "cut", "is_predictable", "load", "open_onnx", "read_graph", "require_own_weights"]
