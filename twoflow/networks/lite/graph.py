"""Build EfficientNet-Lite as an ONNX graph from a PyTorch state dict.

The architecture is EfficientNet (Tan & Le, ICML 2019, https://arxiv.org/abs/1905.11946, table 1) without
squeeze-and-excitation and with ReLU6 for swish, as published with the Lite weights in
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from itertools import accumulate
from operator import mul
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..card import Layer

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto


class Stage(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expansion: int
    width: int


STEM_WIDTH, HEAD_WIDTH, _N_CLASSES = 32, 1280, 1000
STEM_STRIDE = 2
_STAGES = (  # of Lite0
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
BN_EPSILON = 1e-3


class Variant(NamedTuple):
    """A member of the family.

    Attributes
    ----------
    size : (int, int)
        Width and height of the input in pixels. Any size works with the same weights, not only the one that they were
        trained at.
    width : float
        How much wider than Lite0 the stages are. 1 by default: as wide.
    depth : float
        How much deeper than Lite0 the stages are. 1 by default: as deep.
    """

    size: tuple[int, int]
    width: float = 1.0
    depth: float = 1.0

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The scaled stages. Lite keeps the depth of the first and last one, and the width of stem and head."""
        inner = range(1, len(_STAGES) - 1)
        return tuple(
            stage._replace(
                repeats=math.ceil(stage.repeats * self.depth) if i in inner else stage.repeats,
                width=_nearest_width(stage.width * self.width),
            )
            for i, stage in enumerate(_STAGES)
        )

    @property
    def layers(self) -> dict[str, Layer]:
        """The layers by name, in the order from the input to the output."""
        widths = {
            "stem": STEM_WIDTH,
            **{f"stage{i}": stage.width for i, stage in enumerate(self.stages, start=1)},
            "head": HEAD_WIDTH,
        }
        width, height = self.size
        steps = accumulate((STEM_STRIDE, *(stage.stride for stage in _STAGES), 1), mul)  # pixels between positions
        return {
            **{
                name: Layer(n_channels, is_map=True, positions=(-(-height // step), -(-width // step)))
                for (name, n_channels), step in zip(widths.items(), steps)
            },
            "global_pool": Layer(HEAD_WIDTH, is_map=False),
            "logits": Layer(_N_CLASSES, is_map=False),
        }


#: The members of the family, by the names of their networks. Lite3 and Lite4 have no package of pip.
VARIANTS = {
    "efficientnet-lite0": Variant((224, 224)),
    "efficientnet-lite1": Variant((240, 240), width=1.0, depth=1.1),
    "efficientnet-lite2": Variant((260, 260), width=1.1, depth=1.2),
}


def _nearest_width(width: float) -> int:
    """Round to the nearest multiple of 8, but up if rounding down would take away more than a tenth."""
    nearest = max(8, int(width + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * width else nearest + 8


def build(
    weights: Mapping[str, np.ndarray], variant: Variant, outputs: Collection[str], *, any_size: bool = False
) -> ModelProto:
    """Build the graph up to the last of the wanted layers, with batch normalization folded into the convolutions.

    Parameters
    ----------
    weights : mapping of str to ndarray
        The state dict.
    variant : Variant
        The member of the family that the weights belong to.
    outputs : collection of str
        Names of the variant's layers. Layers behind the last of them are not built, so a layer near the input costs
        little.
    any_size : bool, default=False
        Whether the graph takes images of any size, rather than of the variant's alone. The numbers are the same.

    Returns
    -------
    ModelProto
        With the input ``data`` of shape (N, 3, height, width) and dtype float32. The outputs are named as in `outputs`.
    """
    from onnx import TensorProto, helper

    width, height = variant.size
    graph = _Graph(weights, None if any_size else (height, width))
    missing = set(outputs)
    for layer in _grow(graph, variant):
        missing.discard(layer)
        if not missing:
            break
    body = helper.make_graph(
        graph.nodes,
        "efficientnet-lite",
        [helper.make_tensor_value_info(
            "data", TensorProto.FLOAT, ("N", 3, *(("height", "width") if any_size else (height, width)))
        )],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, _shape(name, variant, any_size)) for name in outputs],
        graph.constants,
    )
    # onnx would write its newest versions by default. Every onnxruntime that we allow can read these.
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def _shape(name: str, variant: Variant, any_size: bool) -> tuple[str | int, ...]:
    layer = variant.layers[name]
    positions = layer.positions or ()
    return ("N", layer.width, *((f"{name}_rows", f"{name}_columns") if any_size and positions else positions))


def _grow(graph: _Graph, variant: Variant) -> Iterator[str]:
    """Add the network to an empty graph, and yield the name of each layer as soon as it is added."""
    x = graph.convolution("data", "stem", "_conv_stem", "_bn0", stride=STEM_STRIDE)
    yield x
    block = 0
    for number, stage in enumerate(variant.stages, start=1):
        for repeat in range(stage.repeats):
            name = f"stage{number}" if repeat == stage.repeats - 1 else f"block{block}"
            x = _add_block(graph, x, name, f"_blocks.{block}.", stage, first=repeat == 0)
            block += 1
        yield x
    yield graph.convolution(x, "head", "_conv_head", "_bn1")
    graph.add("GlobalAveragePool", ["head"], "pooled")
    yield graph.add("Flatten", ["pooled"], "global_pool")
    dense = [graph.constant(name, graph.weights[name]) for name in ("_fc.weight", "_fc.bias")]
    yield graph.add("Gemm", ["global_pool", *dense], "logits", transB=1)


def _add_block(graph: _Graph, x: str, name: str, prefix: str, stage: Stage, first: bool) -> str:
    """Add a mobile inverted bottleneck (MBConv): widen, filter each channel on its own, narrow, add the input."""
    inner = x
    if stage.expansion != 1:
        inner = graph.convolution(inner, f"{name}.expand", f"{prefix}_expand_conv", f"{prefix}_bn0")
    inner = graph.convolution(
        inner, f"{name}.depthwise", f"{prefix}_depthwise_conv", f"{prefix}_bn1",
        stride=stage.stride if first else 1, depthwise=True,
    )
    narrow = name if first else f"{name}.project"
    inner = graph.convolution(inner, narrow, f"{prefix}_project_conv", f"{prefix}_bn2", activation=False)
    return inner if first else graph.add("Add", [inner, x], name)


class _Graph:
    """The nodes and constants of an ONNX graph under construction; without `sides` it takes images of any size."""

    def __init__(self, weights: Mapping[str, np.ndarray], sides: tuple[int, int] | None) -> None:
        self.weights = weights
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._sides = None if sides is None else {"data": sides}  # height and width of each map, for the padding
        self._zero, self._six = self.constant("zero", 0), self.constant("six", 6)

    def constant(self, name: str, values: np.ndarray | float) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def add(self, operator: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """Add a node that has the name of its output, and return the name."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        if self._sides is not None:
            self._sides.setdefault(name, self._sides.get(inputs[0], (1, 1)))  # a convolution has noted its own
        return name

    def convolution(
        self, x: str, name: str, weight: str, norm: str,
        stride: int = 1, depthwise: bool = False, activation: bool = True,
    ) -> str:
        """Add a convolution with its batch normalization folded in, and ReLU6 unless `activation` is False."""
        kernel, bias = self._folded(weight, norm)
        side = kernel.shape[2]
        linear = f"{name}.linear" if activation else name
        self.add(
            "Conv", [x, self.constant(weight, kernel), self.constant(norm, bias)], linear,
            kernel_shape=(side, side), strides=(stride, stride), group=len(kernel) if depthwise else 1,
            **self._pad(x, linear, side, stride),
        )
        return self.add("Clip", [linear, self._zero, self._six], name) if activation else name

    def _pad(self, x: str, linear: str, side: int, stride: int) -> dict[str, Any]:
        """Return the attributes of TensorFlow's "same" padding, and note the sides of the convolution's result.

        An odd pixel goes to the right and to the bottom. ``auto_pad`` says so for images of any size; but most
        programs that change graphs want numbers.
        """
        if self._sides is None:
            return {"auto_pad": "SAME_UPPER"}
        extents = self._sides[x]
        strided = [-(-extent // stride) for extent in extents]
        padding = [max((n - 1) * stride + side - extent, 0) for n, extent in zip(strided, extents)]
        self._sides[linear] = (strided[0], strided[1])
        return {"pads": [*(n // 2 for n in padding), *(n - n // 2 for n in padding)]}

    def _folded(self, weight: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
        """Compute kernel and bias, in float64, of one convolution that replaces convolution and batch normalization."""
        parts = ("weight", "bias", "running_mean", "running_var")
        gamma, beta, mean, variance = (self.weights[f"{norm}.{part}"].astype(np.float64) for part in parts)
        scale = gamma / np.sqrt(variance + BN_EPSILON)
        return self.weights[f"{weight}.weight"] * scale[:, None, None, None], beta - mean * scale
