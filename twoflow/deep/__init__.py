"""What needs torch, an extra; importing this does not import it."""

from .conv_net import ConvNetClassifier

__all__ = ["ConvNetClassifier"]
