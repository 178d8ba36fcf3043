"""Hierarchies of classes: the tree, the classifier, and the rules by which it answers a broader class or "unknown"."""

from .classifier import HierarchicalClassifier
from .decisions import Decisions
from .labels import UNKNOWN
from .risk import Risk
from .risk_control import control_risk, independent_answers, independent_answers_needed
from .rules import Confidence
from .tree import ClassTree

__all__ = [
    "UNKNOWN",
    "ClassTree",
    "Confidence",
    "Decisions",
    "HierarchicalClassifier",
    "Risk",
    "control_risk",
    "independent_answers",
    "independent_answers_needed",
]
