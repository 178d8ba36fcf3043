"""Any ONNX file as a network."""

from .cut import cut
from .external import require_own_weights
from .graph import load
from .layers import Exit
from .opening import open_onnx

__all__ = ["Exit", "cut", "load", "open_onnx", "require_own_weights"]
