"""Similar images: search among many, and the training images that speak for and against an answer."""

from .neighbors import Neighbors
from .similar_images import SimilarImages
from .terms import GalleryTerms, Terms, TrainingTerms, has_terms

__all__ = ["GalleryTerms", "Neighbors", "SimilarImages", "Terms", "TrainingTerms", "has_terms"]
