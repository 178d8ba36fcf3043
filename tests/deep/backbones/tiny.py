"""Tiny networks of transformers, written as their users write them."""

import json

#: The arguments of a configuration, by the name of the family.
CONFIGS = {
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 12, 16, 20], "depths": [1, 1, 1, 2], "layer_type": "basic"},
    "efficientnet": {
        "width_coefficient": 0.25, "depth_coefficient": 0.3, "hidden_dim": 320, "image_size": 64,
        "in_channels": [32, 16], "out_channels": [16, 24], "kernel_sizes": [3, 5], "strides": [1, 2],
        "num_block_repeats": [1, 4], "expand_ratios": [1, 6],
    },
    "convnext": {"hidden_sizes": [8, 12, 16, 20], "depths": [1, 1, 2, 1], "image_size": 64},
    "convnextv2": {"hidden_sizes": [8, 12, 16, 20], "depths": [1, 1, 2, 1], "image_size": 64},
    **dict.fromkeys(("vit", "deit", "dinov2"), {
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "image_size": 32,
        "patch_size": 8,
    }),
    "regnet": {"embedding_size": 8, "hidden_sizes": [8, 16, 16, 24], "depths": [1, 1, 1, 1], "groups_width": 8},
    "ijepa": {
        "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "image_size": 32,
        "patch_size": 8,
    },
    "swin": {"image_size": 32, "embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4},
    "bert": {
        "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 9,
    },
}
PROCESSOR = {
    "image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3, "resample": 2,
}


def write(folder, kind, processor=PROCESSOR, **config):
    """Write a network with random weights, and return its folder."""
    from transformers import AutoConfig, AutoModel

    model = AutoModel.from_config(AutoConfig.for_model(kind, **{**CONFIGS[kind], **config}))
    draw(model)
    model.save_pretrained(folder)
    if processor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def draw(module, seed=0):
    """Draw all weights and statistics, so that different images have different embeddings."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, each in module.named_parameters():
            values = torch.randn(each.shape, generator=generator)
            if each.ndim > 1:
                each.copy_(values / max(1, each[0].numel()) ** 0.5)
            else:
                each.copy_(0.2 * values + (not name.endswith("bias")))
        _draw_statistics(module, generator)


def perturb(module, seed=1):
    """Change all weights and statistics a little, as training does."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for each in module.parameters():
            each.mul_(1 + 0.1 * torch.randn(each.shape, generator=generator))
            each.add_(0.02 * torch.randn(each.shape, generator=generator))
        _draw_statistics(module, generator)


def _draw_statistics(module, generator):
    import torch

    for name, each in module.named_buffers():
        if name.endswith("running_mean"):
            each.add_(0.1 * torch.randn(each.shape, generator=generator))
        elif name.endswith("running_var"):
            each.mul_(1 + 0.3 * torch.rand(each.shape, generator=generator))
