"""Similar images: search among many, and the training images that speak for and against an answer."""

from .neighbors import Neighbors
from .similar_images import SimilarImages

__all__ = ["Neighbors", "SimilarImages"]
