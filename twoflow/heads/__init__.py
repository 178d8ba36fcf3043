"""Estimators of features: selectors, classifiers, and the table of heads by name."""

from .binned_forest import BinnedForestClassifier
from .capped_classifier import CappedClassifier
from .class_covariance import ClassCovariance
from .forest_selector import ForestSelector
from .hierarchy import UNKNOWN, ClassTree, Confidence, Decisions, HierarchicalClassifier, Risk
from .inner_folds import GroupsNotUsedWarning
from .kernel_ridge import KernelRidgeClassifier
from .kernel_svm import KernelSVMClassifier
from .kernel_weight import KernelWeight
from .multi_target import LargeForestWarning, MultiTargetClassifier
from .object_hierarchy import ObjectHierarchyFeatures
from .opinion_pool import LogOpinionPool
from .out_of_fold import OutOfFoldProbabilities
from .scope import OutOfScope
from .sequential import DiscriminantProjection, EarlyStoppingMLPClassifier, SequentialClassifier

__all__ = [
    "UNKNOWN",
    "BinnedForestClassifier",
    "CappedClassifier",
    "ClassCovariance",
    "ClassTree",
    "Confidence",
    "Decisions",
    "DiscriminantProjection",
    "EarlyStoppingMLPClassifier",
    "ForestSelector",
    "GroupsNotUsedWarning",
    "HierarchicalClassifier",
    "KernelRidgeClassifier",
    "KernelSVMClassifier",
    "KernelWeight",
    "LargeForestWarning",
    "LogOpinionPool",
    "MultiTargetClassifier",
    "ObjectHierarchyFeatures",
    "OutOfFoldProbabilities",
    "OutOfScope",
    "Risk",
    "SequentialClassifier",
]
