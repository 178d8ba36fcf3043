"""Model files, ``NAME.twoflow``: a fitted model with its card, in one file that is safe to load."""

from .card import Expectation, HeldOut, ModelCard, NetworkEntry, TargetCard
from .loading import load, open_model_file
from .model_file import ModelFile
from .saving import save

__all__ = [
    "Expectation", "HeldOut", "ModelCard", "ModelFile", "NetworkEntry", "TargetCard", "load", "open_model_file", "save",
]
