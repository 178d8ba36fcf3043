"""What config.json says about tokens and classes."""

import pytest

from twoflow.networks.hub.hints import read_hints


@pytest.mark.parametrize("config, hints", [
    ({"model_type": "dinov2", "patch_size": 14}, {"prefix_tokens": 1, "patch_size": 14}),
    ({"model_type": "dinov3_vit", "patch_size": 16, "num_register_tokens": 4}, {"prefix_tokens": 5, "patch_size": 16}),
    ({"model_type": "clip", "vision_config": {"patch_size": 32}}, {"prefix_tokens": 1, "patch_size": 32}),
    ({"model_type": "own", "vision_config": {"model_type": "siglip_vision_model"}}, {"prefix_tokens": 0}),
    ({"model_type": "deit", "patch_size": "x", "num_register_tokens": -1}, {"prefix_tokens": 2}),
    ({"model_type": "swin", "patch_size": 4}, {}),
    ({"architectures": ["ResNetForImageClassification"], "id2label": {"0": "a", "1": "b", "2": "c"}}, {"n_classes": 3}),
    ({"architectures": ["ResNetForImageClassification"], "num_labels": 5}, {"n_classes": 5}),
    ({"architectures": ["ViTForImageClassification"]}, {"n_classes": 2}),
    ({"architectures": ["ResNetModel"], "id2label": {"0": "a"}}, {}),
    ({"architecture": "resnet50", "num_classes": 1000, "pretrained_cfg": {}}, {"n_classes": 1000}),
    ({"architecture": "vit", "num_classes": 0, "pretrained_cfg": {"num_classes": 7}}, {}),
    ({"architectures": "Net", "num_classes": 10**9, "pretrained_cfg": {}, "vision_config": []}, {}),
    ({"model_type": ["vit"], "architectures": [3]}, {}),
])
def test_hints(config, hints):
    assert read_hints(config) == hints
