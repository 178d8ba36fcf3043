"""Any ONNX file as a network."""

from .external import require_own_weights
from .graph import cut, load
from .opening import open_onnx

__all__ = ["cut", "load", "open_onnx", "require_own_weights"]
