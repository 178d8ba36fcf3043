"""MXNet networks: read without MXNet and converted to ONNX, or run by MXNet itself."""

from .engine import MXNetForward, load_mxnet
from .inception import CARDS
from .opening import open_mxnet

__all__ = ["CARDS", "MXNetForward", "load_mxnet", "open_mxnet"]
