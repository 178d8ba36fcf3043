"""Reasons for one decision: where in the image a class's score comes from, and from which flow."""

from . import classifiers, transformers  # noqa: F401  they register what is linear
from .explain import explain
from .explanation import Explanation, Reason
from .linear import LinearScore, linearize, pull_back

__all__ = ["Explanation", "LinearScore", "Reason", "explain", "linearize", "pull_back"]
