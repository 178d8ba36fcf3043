"""Any ONNX file as a network."""

from .graph import cut
from .opening import open_onnx

__all__ = ["cut", "open_onnx"]
