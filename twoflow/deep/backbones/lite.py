"""EfficientNet-Lite as a module of torch, with the names of its state dict. It imports torch.

The architecture, and the numbers of its stages, are in `twoflow.networks.lite.graph`; see there for the source.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ...networks.lite import Variant, build
from ...networks.lite.graph import BN_EPSILON, HEAD_WIDTH, STEM_STRIDE, STEM_WIDTH, Stage
from .drawing import draw_convolution
from .info import BackboneInfo
from .trunk import Trunk

#: Of the running statistics of batch norm; Keras' 0.99, as the authors trained it.
_BN_MOMENTUM = 0.01


class LiteTrunk(Trunk):
    """An EfficientNet-Lite without its classifier.

    Parameters
    ----------
    info : BackboneInfo
    variant : Variant
        The member of the family, with the size of its images.
    weights : mapping of str to ndarray, optional
        The state dict. Default: random weights, drawn from torch's random state on the CPU.
    """

    def __init__(self, info: BackboneInfo, variant: Variant, weights: dict[str, np.ndarray] | None = None) -> None:
        network = _Lite(variant)
        super().__init__(info, network, network.stages())
        self._variant = variant
        if weights is not None:
            network.load_state_dict({
                name: torch.from_numpy(values.copy()) for name, values in weights.items() if not name.startswith("_fc")
            })

    def pool(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3))

    def _graph(self) -> bytes:
        weights = {name: tensor.detach().cpu().numpy() for name, tensor in self.network.state_dict().items()}
        outputs = (*self.info.stages, self.info.embedding)
        return build(weights, self._variant, outputs, any_size=True).SerializeToString()


class _Convolution(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding: an odd pixel goes to the right and to the bottom."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        (side, stride), extents = (self.kernel_size[0], self.stride[0]), x.shape[-2:]
        down, across = (max((-(-extent // stride) - 1) * stride + side - extent, 0) for extent in extents)
        padding: Any = (down // 2, across // 2)
        if down % 2 or across % 2:
            x = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
            padding = 0
        return F.conv2d(x, self.weight, None, stride, padding, 1, self.groups)


def _convolution(n_in: int, n_out: int, side: int, stride: int = 1, groups: int = 1) -> _Convolution:
    layer = _Convolution(n_in, n_out, side, stride, bias=False, groups=groups)
    draw_convolution(layer)
    return layer


def _norm(n_channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(n_channels, eps=BN_EPSILON, momentum=_BN_MOMENTUM)


class _Block(nn.Module):
    """A mobile inverted bottleneck: widen, filter each channel on its own, narrow, add the input."""

    def __init__(self, n_in: int, stage: Stage, first: bool) -> None:
        super().__init__()
        n_inner, stride = n_in * stage.expansion, stage.stride if first else 1
        self._is_widened, self._has_skip = stage.expansion != 1, not first
        if self._is_widened:
            self._expand_conv = _convolution(n_in, n_inner, 1)
            self._bn0 = _norm(n_inner)
        self._depthwise_conv = _convolution(n_inner, n_inner, stage.kernel, stride, n_inner)
        self._bn1 = _norm(n_inner)
        self._project_conv = _convolution(n_inner, stage.width, 1)
        self._bn2 = _norm(stage.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = F.relu6(self._bn0(self._expand_conv(x))) if self._is_widened else x
        inner = F.relu6(self._bn1(self._depthwise_conv(inner)))
        inner = self._bn2(self._project_conv(inner))
        return x + inner if self._has_skip else inner


class _Lite(nn.Module):
    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self._conv_stem = _convolution(3, STEM_WIDTH, 3, STEM_STRIDE)
        self._bn0 = _norm(STEM_WIDTH)
        blocks, n_channels = [], STEM_WIDTH
        self._ends = []
        for stage in variant.stages:
            for repeat in range(stage.repeats):
                blocks.append(_Block(n_channels, stage, first=repeat == 0))
                n_channels = stage.width
            self._ends.append(len(blocks))
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _convolution(n_channels, HEAD_WIDTH, 1)
        self._bn1 = _norm(HEAD_WIDTH)

    def stages(self) -> list[nn.Module]:
        starts = [0, *self._ends[:-1]]
        return [
            nn.Sequential(self._conv_stem, self._bn0, nn.ReLU6()),
            *(nn.Sequential(*self._blocks[start:end]) for start, end in zip(starts, self._ends)),
            nn.Sequential(self._conv_head, self._bn1, nn.ReLU6()),
        ]
