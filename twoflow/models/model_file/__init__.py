"""Model files, ``NAME.twoflow``: a fitted model with its card, in one file that is safe to load."""

from .card import Expectation, HeldOut, ModelCard, NetworkEntry, TargetCard
from .model_file import ModelFile

__all__ = ["Expectation", "HeldOut", "ModelCard", "ModelFile", "NetworkEntry", "TargetCard"]
