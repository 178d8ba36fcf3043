"""Models: flows and a head as one estimator of images, the recipes, and the choice among several models."""

from .best_of import BestOf
from .choosing_classifier import ChoosingClassifier
from .flow_classifier import FlowClassifier
from .parts import Parts, Step, take_apart
from .recipes import RECIPES, make_model
from .selecting_classifier import SelectingClassifier
from .several_targets import for_targets
from .two_flow import TwoFlowClassifier

__all__ = [
    "RECIPES",
    "BestOf",
    "ChoosingClassifier",
    "FlowClassifier",
    "Parts",
    "SelectingClassifier",
    "Step",
    "TwoFlowClassifier",
    "for_targets",
    "make_model",
    "take_apart",
]
