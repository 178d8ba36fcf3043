"""Hierarchies of classes: the tree, the classifier, and the rules by which it answers a broader class or "unknown"."""

from .classifier import HierarchicalClassifier
from .decisions import Decisions
from .labels import UNKNOWN
from .rules import Confidence
from .tree import ClassTree

__all__ = ["UNKNOWN", "ClassTree", "Confidence", "Decisions", "HierarchicalClassifier"]
