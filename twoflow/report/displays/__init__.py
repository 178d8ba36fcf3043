"""Plots of a comparison, like scikit-learn's Display objects; matplotlib is loaded when the first is drawn."""

from .base import Display
from .comparison import ComparisonDisplay, DifferencesDisplay
from .confusion import ConfusionDisplay
from .importances import ImportancesDisplay
from .learning_curve import LearningCurveDisplay
from .probabilities import CoverageDisplay, ReliabilityDisplay, RocDisplay

__all__ = [
    "ComparisonDisplay",
    "ConfusionDisplay",
    "CoverageDisplay",
    "DifferencesDisplay",
    "Display",
    "ImportancesDisplay",
    "LearningCurveDisplay",
    "ReliabilityDisplay",
    "RocDisplay",
]
