"""Plots of a comparison, like scikit-learn's Display objects; matplotlib is loaded when the first is drawn."""

from .base import Display
from .comparison import ComparisonDisplay, DifferencesDisplay
from .confusion import ConfusionDisplay
from .critical_difference import CriticalDifferenceDisplay
from .explanation import ExplanationDisplay
from .importances import ImportancesDisplay
from .joint_errors import JointErrorsDisplay
from .learning_curve import LearningCurveDisplay
from .levels import LevelsDisplay, RiskDisplay
from .probabilities import CoverageDisplay, ReliabilityDisplay, RocDisplay
from .training import TrainingDisplay

__all__ = [
    "ComparisonDisplay",
    "ConfusionDisplay",
    "CoverageDisplay",
    "CriticalDifferenceDisplay",
    "DifferencesDisplay",
    "Display",
    "ExplanationDisplay",
    "ImportancesDisplay",
    "JointErrorsDisplay",
    "LearningCurveDisplay",
    "LevelsDisplay",
    "ReliabilityDisplay",
    "RiskDisplay",
    "RocDisplay",
    "TrainingDisplay",
]
