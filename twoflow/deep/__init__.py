"""The classifiers that need torch, an extra. Importing this package does not import torch."""

from .conv_net import ConvNetClassifier

__all__ = ["ConvNetClassifier"]
