"""Flows: transformers from images to rows of features, one file each.

`contract` says what a flow is, for those who write one.
"""

from .base import Flow
from .cnn import CNNEmbedding
from .color import ColorHistogram
from .contract import FlowTags
from .gist import GISTDescriptor
from .lbp import LBPHistogram
from .pixels import PixelProjection, RawPixels
from .placing import Placed
from .sift import SIFTBagOfWords
from .union import FlowUnion

__all__ = [
    "CNNEmbedding",
    "ColorHistogram",
    "Flow",
    "FlowTags",
    "FlowUnion",
    "GISTDescriptor",
    "LBPHistogram",
    "PixelProjection",
    "Placed",
    "RawPixels",
    "SIFTBagOfWords",
]
