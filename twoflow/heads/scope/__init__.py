"""Recognize images that are none of the classes."""

from .out_of_scope import OutOfScope
from .scores import SCORES

__all__ = ["SCORES", "OutOfScope"]
