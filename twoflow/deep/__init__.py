"""The classifiers that need torch, an extra. Importing this package does not import torch."""

from .conv_net import ConvNetClassifier
from .dropout_mlp import DropoutMLPClassifier
from .fine_tuned import FineTunedClassifier
from .pooled import PooledClassifier

__all__ = ["ConvNetClassifier", "DropoutMLPClassifier", "FineTunedClassifier", "PooledClassifier"]
