"""What learns from features: selectors, heads, and the classifier that puts them together with flows."""

from ..heads.capped_classifier import CappedClassifier
from ..heads.forest_selector import ForestSelector
from ..heads.kernel_ridge import KernelRidgeClassifier
from ..heads.kernel_svm import KernelSVMClassifier
from ..heads.object_hierarchy import ObjectHierarchyFeatures
from ..heads.opinion_pool import LogOpinionPool, OutOfFoldProbabilities
from .choice import BestOf, Candidate
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
