"""One ONNX graph of a fitted model, from RGB pixels to class probabilities."""

# These register their parts with `to_onnx`.
from . import classifiers, flows, selectors  # noqa: F401
from .export import export_onnx
from .graph import Graph
from .image_input import ImageInput
from .registry import to_onnx

__all__ = ["Graph", "ImageInput", "export_onnx", "to_onnx"]
