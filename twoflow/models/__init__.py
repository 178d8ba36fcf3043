"""What learns from features: the forest selector, the two-flow classifier, and what may decide in its place."""

from .forest_selector import ForestSelector
from .kernel_ridge import KernelRidgeClassifier
from .object_hierarchy import ObjectHierarchyFeatures
from .opinion_pool import LogOpinionPool, OutOfFoldProbabilities
from .two_flow import TwoFlowClassifier

__all__ = [
    "ForestSelector",
    "KernelRidgeClassifier",
    "LogOpinionPool",
    "ObjectHierarchyFeatures",
    "OutOfFoldProbabilities",
    "TwoFlowClassifier",
]
