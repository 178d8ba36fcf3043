"""Flows: transformers from pictures to rows of features, one file each."""

from .base import Flow
from .cnn import CNNEmbedding
from .pixels import PixelProjection, RawPixels
from .union import FlowUnion

__all__ = ["CNNEmbedding", "Flow", "FlowUnion", "PixelProjection", "RawPixels"]
