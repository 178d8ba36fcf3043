"""The classifiers that need torch, an extra. Importing this package does not import torch."""

from .backbones import BACKBONES
from .conv_net import ConvNetClassifier
from .dropout_mlp import DropoutMLPClassifier
from .fine_tuned import FineTunedClassifier
from .fine_tuned_flow import FineTunedFlow
from .saved_network import save_network

__all__ = [
    "BACKBONES", "ConvNetClassifier", "DropoutMLPClassifier", "FineTunedClassifier", "FineTunedFlow", "save_network",
]
