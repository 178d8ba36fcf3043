"""One ONNX graph of a fitted model, from RGB pixels to class probabilities."""

# These register their parts with `to_onnx`.
from . import classifiers, flows, hierarchies, scopes, selectors, sequential, several_targets  # noqa: F401
from .agreement import Agreement, compare
from .export import export_onnx, output_files
from .graph import Graph, Output
from .hierarchies import NodeProbabilities, TreeValues
from .image_input import ImageInput
from .registry import to_onnx
from .scopes import ScopeInput
from .triton import check_triton, write_triton

__all__ = [
    "Agreement", "Graph", "ImageInput", "NodeProbabilities", "Output", "ScopeInput", "TreeValues", "check_triton",
    "compare", "export_onnx", "output_files", "to_onnx", "write_triton",
]
