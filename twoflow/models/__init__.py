"""What learns from features: selectors, heads, and the classifier that puts them together with flows."""

from .choice import BestOf, Candidate
from .forest_selector import ForestSelector
from .kernel_ridge import KernelRidgeClassifier
from .kernel_svm import KernelSVMClassifier
from .object_hierarchy import ObjectHierarchyFeatures
from .opinion_pool import LogOpinionPool, OutOfFoldProbabilities
from .sampling import CappedClassifier
from .two_flow import TwoFlowClassifier

__all__ = [
    "BestOf",
    "Candidate",
    "CappedClassifier",
    "ForestSelector",
    "KernelRidgeClassifier",
    "KernelSVMClassifier",
    "LogOpinionPool",
    "ObjectHierarchyFeatures",
    "OutOfFoldProbabilities",
    "TwoFlowClassifier",
]
