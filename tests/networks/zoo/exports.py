"""Write a network as ONNX in the ways that people do, and what torch computes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from .families import FAMILIES, find_blocks, make

#: Families whose pooler is a dense layer with tanh. Few checkpoints have its weights, and transformers draws them where
#: they are missing; so the class token before it is the embedding.
TANH = ("vit", "deit")


class Variant(NamedTuple):
    """One way to export.

    Attributes
    ----------
    opset : int
    outputs : {"model", "last", "logits"}
        All outputs of the network without a head; its `last_hidden_state` alone; the logits alone.
    axes : {"fixed", "batch", "all"}
        Which axes of the input are dynamic. "all" has the channels too, as older versions of optimum wrote it.
    kind : {"float32", "float16"}
    layout : {"nchw", "nhwc"}
        Of the input.
    dynamo : bool
        The new exporter of torch, else the one that traces.
    """

    opset: int = 17
    outputs: str = "model"
    axes: str = "batch"
    kind: str = "float32"
    layout: str = "nchw"
    dynamo: bool = False


class Expected(NamedTuple):
    """What torch computes for one image: arrays without the axis of images."""

    outputs: dict[str, np.ndarray]
    embedding: np.ndarray
    tokens: np.ndarray | None
    blocks: list[np.ndarray]


class _Wrapped(torch.nn.Module):
    def __init__(self, model, names, layout):
        super().__init__()
        self.model, self.names, self.layout = model, names, layout

    def forward(self, pixel_values, input_ids=None, attention_mask=None):
        if self.layout == "nhwc":
            pixel_values = pixel_values.permute(0, 3, 1, 2)
        text = {} if input_ids is None else {"input_ids": input_ids, "attention_mask": attention_mask}
        out = self.model(pixel_values=pixel_values, **text)
        return tuple(out[name] for name in self.names)


def takes_text(name: str) -> bool:
    return FAMILIES[name].model in ("CLIPModel", "SiglipModel")


def make_text(name: str) -> dict[str, torch.Tensor]:
    """Return the inputs of the text tower of a network that has one."""
    if not takes_text(name):
        return {}
    ids = torch.arange(12)[None] % 20 + 2
    ids[0, -1] = 1
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def expect(name: str, model: torch.nn.Module, pixels: np.ndarray, which: str) -> Expected:
    """Run torch.

    The embedding is what enters the classifier, if there is one; else `image_embeds`, `pooler_output`, the class token
    of `last_hidden_state`, or its mean over positions, the first that there is.

    Parameters
    ----------
    pixels : ndarray of shape (1, 3, height, width)
        As the network takes them.
    which : {"model", "last", "logits"}
        The outputs that were exported, see `Variant`.
    """
    family, blocks, pooled = FAMILIES[name], [], []
    hooks = [
        block.register_forward_hook(lambda module, x, y: blocks.append(y[0] if isinstance(y, tuple) else y))
        for block in find_blocks(name, model)
    ]
    if which == "logits":
        hooks.append(model.classifier.register_forward_pre_hook(lambda module, x: pooled.append(x[0].flatten())))
    with torch.no_grad():
        out = model(pixel_values=torch.from_numpy(pixels), **make_text(name))
    for hook in hooks:
        hook.remove()
    outputs = {key: value[0].numpy() for key, value in out.items() if isinstance(value, torch.Tensor)}
    blocks = [as_map(block[0].numpy(), family.prefix, pixels.shape[2:]) for block in blocks]
    last, tokens = outputs.get("last_hidden_state"), None
    if last is not None:
        tokens = as_map(last, family.prefix, pixels.shape[2:])
    if pooled:
        embedding = pooled[0].numpy()
    elif which == "model" and name not in TANH and {"image_embeds", "pooler_output"} & set(outputs):
        embedding = outputs["image_embeds" if "image_embeds" in outputs else "pooler_output"].ravel()
    else:
        embedding = last[0] if family.prefix else tokens.mean(axis=(1, 2))
    return Expected(outputs, embedding, tokens, blocks)


def as_map(values: np.ndarray, prefix: int | None, size: tuple[int, int]) -> np.ndarray:
    """Return tokens, or a map, as (width, rows, columns)."""
    if values.ndim == 3:
        return values
    values = values[prefix:]
    step = round((size[0] * size[1] / len(values)) ** 0.5)
    return values.T.reshape(-1, size[0] // step, size[1] // step)


def export(path: Path, name: str, variant: Variant, seed: int = 0) -> torch.nn.Module:
    """Write a network of a family; return the network of torch that computes the same."""
    model = make(name, variant.outputs == "logits", seed)
    size = FAMILIES[name].side
    pixels = torch.zeros(1, 3, *size)
    text = make_text(name)
    with torch.no_grad():
        out = model(pixel_values=pixels, **text)
    names = [key for key, value in out.items() if isinstance(value, torch.Tensor)]
    if variant.outputs in ("last", "logits"):
        names = [{"last": "last_hidden_state", "logits": "logits"}[variant.outputs]]
    exported = model
    if variant.kind == "float16":
        exported = make(name, variant.outputs == "logits", seed).half()
        pixels = pixels.half()
        model = make(name, variant.outputs == "logits", seed).half().float()
    if variant.layout == "nhwc":
        pixels = pixels.permute(0, 2, 3, 1)
    axes = {"fixed": {}, "batch": {0: "batch"}, "all": {
        0: "batch_size", **dict(zip((1, 2, 3), ("num_channels", "height", "width") if variant.layout == "nchw" else (
            "height", "width", "num_channels")))
    }}[variant.axes]
    options = {}
    if axes and variant.dynamo:
        batch = torch.export.Dim("batch")
        pixels = pixels.repeat(2, 1, 1, 1)
        options["dynamic_shapes"] = {"pixel_values": {0: batch}, **{key: {0: batch} for key in text}}
        text = {key: value.repeat(2, 1) for key, value in text.items()}
        if not text:
            options["dynamic_shapes"] = ({0: batch},)
    elif axes:
        options["dynamic_axes"] = {"pixel_values": axes, **{
            key: {0: "text_batch_size", 1: "sequence_length"} for key in text
        }, **{key: {0: "batch_size"} for key in names}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Wrapped(exported, names, variant.layout).eval(), (pixels, *text.values()), str(path),
            input_names=["pixel_values", *text], output_names=names, opset_version=variant.opset,
            dynamo=variant.dynamo, **options, **({"verbose": False, "external_data": False} if variant.dynamo else {}),
        )
    return model
