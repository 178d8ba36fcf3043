"""Tiny networks of every family with random weights, and what torch says of them.

`FAMILIES` is the table. One family is a class of transformers, the arguments of its configuration, and where its blocks
and its pooled vector are. A few that transformers does not have are written by hand in `own.py`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import torch
import transformers

from . import own


class Family(NamedTuple):
    """How to make the networks of one family.

    Attributes
    ----------
    model : str
        The class without a head: of transformers, else of `own`.
    config : dict
        Arguments of its configuration, or of the class of `own`.
    side : (int, int)
        Height and width of the input.
    blocks : str
        A regular expression of the names of the modules whose outputs are its blocks, or its stages.
    prefix : int or None
        Tokens before the patches. None: a CNN, whose blocks are maps.
    logits : str or None
        The class with a head for classes, if the two are one network with two heads.
    """

    model: str
    config: dict
    side: tuple[int, int]
    blocks: str
    prefix: int | None = None
    logits: str | None = None


TRANSFORMER = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 40}
VIT = {**TRANSFORMER, "image_size": (32, 48), "patch_size": 8}
SQUARE = {**TRANSFORMER, "image_size": 40, "patch_size": 8}
BERT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 50,
        "max_position_embeddings": 12, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}

FAMILIES = {
    "vit": Family("ViTModel", VIT, (32, 48), r"layers?\.\d+$", 1, "ViTForImageClassification"),
    "vit-msn": Family("ViTMSNModel", SQUARE, (40, 40), r"layers?\.\d+$", 1, "ViTMSNForImageClassification"),
    "ijepa": Family("IJepaModel", SQUARE, (40, 40), r"layers?\.\d+$", 0, "IJepaForImageClassification"),
    "deit": Family("DeiTModel", SQUARE, (40, 40), r"layers?\.\d+$", 2, "DeiTForImageClassification"),
    "beit": Family(
        "BeitModel", {**SQUARE, "use_relative_position_bias": True, "use_mean_pooling": True, "out_indices": [3]},
        (40, 40), r"layers?\.\d+$", 1, "BeitForImageClassification",
    ),
    "dinov2": Family(
        "Dinov2Model", {**SQUARE, "mlp_ratio": 2}, (40, 40), r"layers?\.\d+$", 1, "Dinov2ForImageClassification"
    ),
    "dinov2-registers": Family(
        "Dinov2WithRegistersModel", {**SQUARE, "mlp_ratio": 2, "num_register_tokens": 4}, (40, 40), r"layers?\.\d+$", 5,
        "Dinov2WithRegistersForImageClassification",
    ),
    "dinov3": Family(
        "DINOv3ViTModel", {**SQUARE, "num_register_tokens": 4}, (32, 48), r"layers?\.\d+$", 5,
    ),
    "dinov3-convnext": Family(
        "DINOv3ConvNextModel", {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 2, 1]}, (64, 96), r"stages\.\d+$", 1,
    ),
    "clip-vision": Family(
        "CLIPVisionModelWithProjection", {**SQUARE, "projection_dim": 24}, (40, 40), r"layers\.\d+$", 1
    ),
    "clip": Family(
        "CLIPModel", {"vision_config": SQUARE, "text_config": BERT, "projection_dim": 24}, (40, 40),
        r"vision_model\.encoder\.layers\.\d+$", 1,
    ),
    "siglip-vision": Family("SiglipVisionModel", SQUARE, (40, 40), r"encoder\.layers\.\d+$", 0),
    "siglip-classes": Family("SiglipForImageClassification", {"vision_config": SQUARE}, (40, 40),
                             r"encoder\.layers\.\d+$", 0, "SiglipForImageClassification"),
    "siglip": Family("SiglipModel", {"vision_config": SQUARE, "text_config": {**BERT, "projection_size": 32}}, (40, 40),
                     r"vision_model\.encoder\.layers\.\d+$", 0),
    "swin": Family(
        "SwinModel", {"image_size": (64, 96), "patch_size": 4, "embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4],
                      "window_size": 4}, (64, 96), r"encoder\.layers\.\d+\.blocks\.1$", 0, "SwinForImageClassification",
    ),
    "swinv2": Family(
        "Swinv2Model", {"image_size": 64, "patch_size": 4, "embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4],
                        "window_size": 4}, (64, 64), r"encoder\.layers\.\d+\.blocks\.1$", 0,
        "Swinv2ForImageClassification",
    ),
    "convnext": Family(
        "ConvNextModel", {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 2, 1]}, (64, 96), r"stages\.\d+$", None,
        "ConvNextForImageClassification",
    ),
    "convnextv2": Family(
        "ConvNextV2Model", {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 2, 1]}, (64, 96), r"stages\.\d+$", None,
        "ConvNextV2ForImageClassification",
    ),
    "resnet": Family(
        "ResNetModel", {"embedding_size": 8, "hidden_sizes": [16, 24, 32, 40], "depths": [1, 2, 1, 1]}, (64, 96),
        r"stages\.\d+$", None, "ResNetForImageClassification",
    ),
    "regnet": Family(
        "RegNetModel", {"embedding_size": 8, "hidden_sizes": [16, 24, 32, 40], "depths": [1, 2, 1, 1],
                        "groups_width": 8}, (64, 96), r"stages\.\d+$", None, "RegNetForImageClassification",
    ),
    "mobilenetv1": Family("MobileNetV1Model", {"depth_multiplier": 0.25, "min_depth": 8}, (64, 96), "", None,
                          "MobileNetV1ForImageClassification"),
    "mobilenetv2": Family("MobileNetV2Model", {"depth_multiplier": 0.35, "min_depth": 8}, (64, 96), "", None,
                          "MobileNetV2ForImageClassification"),
    "mobilenetv3": Family("MobileNetV3", {}, (64, 96), r"stages\.\d+$", None, "MobileNetV3"),
    "efficientnet": Family(
        "EfficientNetModel", {"width_coefficient": 0.25, "depth_coefficient": 0.3, "hidden_dim": 320,
                              "image_size": 64}, (64, 96), "", None, "EfficientNetForImageClassification",
    ),
    "densenet": Family("DenseNet", {}, (64, 96), "", None, "DenseNet"),
    "vgg": Family("VGG", {}, (32, 48), "", None, "VGG"),
    "mobilevit": Family(
        "MobileViTModel", {"hidden_sizes": [16, 20, 24], "neck_hidden_sizes": [8, 8, 12, 16, 20, 24, 40],
                           "num_attention_heads": 2, "image_size": 64}, (64, 96), "", None,
        "MobileViTForImageClassification",
    ),
    "pvtv2": Family(
        "PvtV2Model", {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 2, 4],
                       "image_size": 64, "sr_ratios": [4, 2, 2, 1], "mlp_ratios": [2, 2, 2, 2]}, (64, 64), "", None,
        "PvtV2ForImageClassification",
    ),
    "segformer": Family(
        "SegformerModel", {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1],
                           "num_attention_heads": [1, 2, 2, 4], "sr_ratios": [4, 2, 2, 1]}, (64, 96), "", None,
        "SegformerForImageClassification",
    ),
    "poolformer": Family(
        "PoolFormerModel", {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}, (64, 96), "", None,
        "PoolFormerForImageClassification",
    ),
    "hiera": Family(
        "HieraModel", {"embed_dim": 16, "image_size": [64, 64], "depths": [1, 1, 1, 1], "num_heads": [1, 2, 2, 4]},
        (64, 64), "", None, "HieraForImageClassification",
    ),
    "levit": Family(
        "LevitModel", {"image_size": 128, "hidden_sizes": [16, 24, 32], "num_attention_heads": [2, 2, 2],
                       "depths": [1, 1, 1], "key_dim": [8, 8, 8]}, (128, 128), "", None, "LevitForImageClassification",
    ),
    "focalnet": Family(
        "FocalNetModel", {"embed_dim": 16, "depths": [1, 1], "image_size": 64, "focal_levels": [2, 2],
                          "focal_windows": [3, 3], "hidden_sizes": [16, 32]}, (64, 64), "", None,
        "FocalNetForImageClassification",
    ),
}


def make(name: str, logits: bool = False, seed: int = 0) -> torch.nn.Module:
    """Return a network of a family in evaluation mode; the same one for the same arguments."""
    family = FAMILIES[name]
    kind = family.logits if logits else family.model
    torch.manual_seed(seed)
    if hasattr(own, kind):
        model = getattr(own, kind)(logits=logits, **family.config)
    else:
        maker = getattr(transformers, kind)
        config = maker.config_class(**family.config)
        if logits:
            config.num_labels = 10
        config._attn_implementation = "eager"
        model = maker(config)
    randomize(model, seed)
    if name == "dinov2-registers":  # its graph would interpolate the positions, by an operator that few opsets have
        embeddings = next(module for module in model.modules() if hasattr(module, "interpolate_pos_encoding"))
        embeddings.interpolate_pos_encoding = lambda *args: embeddings.position_embeddings
    return model.eval().float()


def randomize(model: torch.nn.Module, seed: int) -> None:
    """Draw all weights, so that no tokens are nearly alike, as they are behind the initial weights."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            fan_in = max(1, tensor[0].numel()) if tensor.ndim > 1 and tensor.shape[0] > 1 else 4
            values = torch.randn(tensor.shape, generator=generator) / fan_in ** 0.5
            if tensor.ndim <= 1:
                values = values * 0.5 + (0 if name.endswith("bias") else 1)
            tensor.copy_(values)
        for name, tensor in model.named_buffers():
            if name.endswith("running_mean"):
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.3)
            elif name.endswith("running_var"):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)


def find_blocks(name: str, model: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the modules whose outputs are the blocks of a network, in their order."""
    pattern = FAMILIES[name].blocks
    return [module for key, module in model.named_modules() if pattern and re.search(pattern, key)]
