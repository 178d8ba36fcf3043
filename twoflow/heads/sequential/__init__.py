"""Several targets one after the other: the first shapes a representation, and the others reuse it."""

from .classifier import SequentialClassifier
from .discriminants import DiscriminantProjection
from .early_stopping import EarlyStoppingMLPClassifier

__all__ = ["DiscriminantProjection", "EarlyStoppingMLPClassifier", "SequentialClassifier"]
