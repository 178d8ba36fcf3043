"""Answers of a fitted model for many images: the likeliest classes, fallback, rules, and files of answers."""

from ..heads.hierarchy import UNKNOWN
from .answers import Answer, Decision, Prediction
from .predictor import Item, Predictor

__all__ = ["UNKNOWN", "Answer", "Decision", "Item", "Prediction", "Predictor"]
