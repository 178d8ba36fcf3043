"""Reasons for one decision: where in the image a class's score comes from, and from which flow."""

from .backward import pull_back
from .explain import explain
from .explanation import Explanation, Reason
from .linear import LinearScore, linearize

__all__ = ["Explanation", "LinearScore", "Reason", "explain", "linearize", "pull_back"]
