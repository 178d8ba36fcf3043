"""Any ONNX file as a network."""

from .graph import cut, load
from .opening import open_onnx

__all__ = ["cut", "load", "open_onnx"]
