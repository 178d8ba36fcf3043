"""Several targets by the same features: a classifier for each, one for all, one of the combinations, or a chain."""

from .classifier import MultiTargetClassifier
from .memory import LargeForestWarning

__all__ = ["LargeForestWarning", "MultiTargetClassifier"]
