"""Models: flows and a head as one estimator of images, the recipes, and the choice among several models."""

from .choice import BestOf, Candidate
from .two_flow import TwoFlowClassifier

__all__ = ["BestOf", "Candidate", "TwoFlowClassifier"]
