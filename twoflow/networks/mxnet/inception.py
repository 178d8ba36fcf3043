"""The paper's two networks, Inception-BN and Inception-21k: give their cards, and recognize them in MXNet files.

Ioffe & Szegedy, ICML 2015 (https://arxiv.org/abs/1502.03167), as trained and published with MXNet
(https://github.com/dmlc/mxnet-model-gallery). No package has their weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..card import Layer, NetworkCard
from .shapes import Shape
from .symbol import Node


def _card(name: str, trained_on: str, pools: Mapping[str, int]) -> NetworkCard:
    return NetworkCard(
        name=name,
        license="CC0-1.0",
        source="your own files, PREFIX-symbol.json and PREFIX-EPOCH.params from https://github.com/dmlc/"
               f"mxnet-model-gallery in one folder, whose path replaces the name; trained on {trained_on}",
        input_size=(224, 224),  # the last pool has a window of 7 x 7, which covers the whole map only at this size
        channels="RGB",
        mean=117,
        scale=1,
        layers={
            **{pool: Layer(width, is_map=True) for pool, width in pools.items()},
            "global_pool": Layer(1024, is_map=False),
        },
        embedding="global_pool",
        stages=tuple(pools),
    )


CARDS = (
    _card(
        "inception-bn", "ImageNet-1k",
        {"max_pool_3c_pool": 320, "max_pool_4e_pool": 608, "max_pool_5b_pool": 1024},
    ),
    _card(
        "inception-21k", "all of ImageNet, 21,841 classes",
        {
            "max_pool_3c_pool": 480, "avg_pool_4a_pool": 864, "avg_pool_4b_pool": 576, "avg_pool_4d_pool": 608,
            "max_pool_4e_pool": 512, "avg_pool_5a_pool": 960, "max_pool_5b_pool": 1024,
        },
    ),
)


def recognize(nodes: Sequence[Node], shapes: Mapping[str, Shape]) -> NetworkCard | None:
    """Recognize one of the paper's networks by the widths of its pools.

    The names of layers differ between published files, but the widths do not. The last pool gives the 1024 values of
    the embedding. The number of classes does not matter.

    Parameters
    ----------
    nodes : sequence of Node
        The nodes of the symbol.
    shapes : mapping of str to tuple of int
        The shape of every layer, from `infer_shapes`.

    Returns
    -------
    NetworkCard or None
        The card of the recognized network; None for any other network.
    """
    pools = [shapes[node.name] for node in nodes if node.op == "Pooling"]
    if not pools or pools[-1] != (1024, 1, 1):
        return None
    widths = {shape[0] for shape in pools}
    for card in CARDS:
        if {layer.width for layer in card.layers.values()} <= widths:
            return card
    return None
