"""Draw the weights of an EfficientNet that is not pretrained. It imports torch."""

from __future__ import annotations

import math

from torch import nn


def draw_efficientnet(network: nn.Module) -> None:
    """Draw all convolutions again, and let every batch norm begin as the identity.

    transformers draws both with a deviation of 0.02, so that the last maps of a deep network are all but zero.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            draw_convolution(module)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()


def draw_convolution(layer: nn.Conv2d) -> None:
    """Draw weights from torch's random state by the number of values that an input reaches.

    This is the initialization of EfficientNet's authors (Tan & Le, ICML 2019, https://arxiv.org/abs/1905.11946), which
    keeps the variance of gradients: He et al., ICCV 2015, section 2.2, https://doi.org/10.1109/ICCV.2015.123.
    """
    reached = math.prod(layer.kernel_size) * layer.out_channels // layer.groups
    nn.init.normal_(layer.weight, std=math.sqrt(2 / reached))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
