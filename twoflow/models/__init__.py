"""What learns from features: the forest selector and the two-flow classifier."""

from .forest_selector import ForestSelector
from .object_hierarchy import ObjectHierarchyFeatures
from .two_flow import TwoFlowClassifier

__all__ = ["ForestSelector", "ObjectHierarchyFeatures", "TwoFlowClassifier"]
