"""Networks of transformers as trunks. It imports torch and transformers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from transformers import AutoModel
from transformers.utils import logging as transformers_logging

from ..._text import listed, printable
from ...errors import InputError
from .describing import LONGEST, Examined
from .drawing import draw_efficientnet
from .export import export
from .families import ends_of_stages
from .info import BackboneInfo
from .trunk import Trunk

_FEW = 3  # weights that an error names


class TransformersTrunk(Trunk):
    """A network of transformers without its classifier.

    Parameters
    ----------
    info : BackboneInfo
    model : PreTrainedModel
    layout : Layout
        Its stages, and how its embedding is made.
    """

    def __init__(self, info: BackboneInfo, model: nn.Module, layout: Layout) -> None:
        super().__init__(info, model, layout.stages)
        self._pool = layout.pool

    def pool(self, x: torch.Tensor) -> torch.Tensor:
        return self._pool(self.network, x)

    def _graph(self) -> bytes:
        return export(self)


class Layout(NamedTuple):
    """The parts of a network.

    Attributes
    ----------
    stages : sequence of nn.Module
        From the input to the output.
    pool : callable
        Takes the network and what the last stage returns; returns the embedding.
    """

    stages: Sequence[nn.Module]
    pool: Callable[[Any, torch.Tensor], torch.Tensor]


def load(found: Examined) -> Trunk:
    """Load a network of transformers.

    Parameters
    ----------
    found : Examined
        If it has no checkpoint, or its weights are not wanted, torch's random state on the CPU draws the weights.

    Returns
    -------
    Trunk
        In evaluation mode.

    Raises
    ------
    ValueError
        If the weights do not belong to the network, or it does not take images of the size.
    """
    info = found.info
    model = _draw(found) if found.is_random else _read(found)
    width, height = info.input_size
    trunk = TransformersTrunk(info, model, _LAYOUTS.get(info.kind, _take_whole)(model, (height, width))).eval()
    try:
        with torch.inference_mode():
            embedding = trunk(torch.zeros(1, height, width, 3, dtype=torch.uint8))
    except Exception as error:  # a family that takes other images, which only its own code knows
        raise InputError(
            f"{info.name}: it cannot take images of {width} x {height} pixels ({printable(error, LONGEST)}); choose "
            "another input_size, or another backbone"
        ) from error
    if embedding.ndim != 2 or info.width not in (None, embedding.shape[1]):
        raise InputError(
            f"{info.name}: expected an embedding of width {info.width or 'of its own'}, got shape "
            f"{tuple(embedding.shape)}; its config.json does not fit this version of transformers"
        )
    trunk.info = replace(info, width=embedding.shape[1])
    return trunk


def _draw(found: Examined) -> nn.Module:
    with _quiet():
        model = AutoModel.from_config(found.config, trust_remote_code=False).float()
    if found.info.kind in _DRAWN:
        _DRAWN[found.info.kind](model)
    return model


def _read(found: Examined) -> nn.Module:
    assert found.checkpoint is not None
    title = found.checkpoint.title
    try:
        with _quiet():
            model, report = AutoModel.from_pretrained(
                found.checkpoint.folder, config=found.config, use_safetensors=True, trust_remote_code=False,
                local_files_only=True, dtype=torch.float32, output_loading_info=True,
            )
    except Exception as error:  # safetensors, torch and transformers each raise their own
        raise InputError(
            f"{title}: transformers cannot load its weights ({printable(error, LONGEST)}); download them again, or "
            "name another network"
        ) from error
    # A pooler that the weights lack is never used here. All else would stay random without a word.
    missing = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
    if missing:
        more = [f"{len(missing) - _FEW} more"] if len(missing) > _FEW else []
        raise InputError(
            f"{title}: expected weights of a {found.info.kind} network, got none for "
            f"{listed([*missing[:_FEW], *more])}; put the model.safetensors that belongs to config.json there"
        )
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the log and the progress bars of transformers inside the ``with`` block."""
    level, shows_bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if shows_bars:
            transformers_logging.enable_progress_bar()


def _mean(model: Any, x: torch.Tensor) -> torch.Tensor:
    return x.mean(dim=(2, 3))


def _normalized_mean(model: Any, x: torch.Tensor) -> torch.Tensor:
    return model.layernorm(_mean(model, x))


def _class_token(model: Any, x: torch.Tensor) -> torch.Tensor:
    return x[:, 0]


def _of_resnet(model: Any, size: tuple[int, int]) -> Layout:
    return Layout([model.embedder, *model.encoder.stages], _mean)


def _of_convnext(model: Any, size: tuple[int, int]) -> Layout:
    return Layout([model.embeddings, *model.encoder.stages], _normalized_mean)


def _of_efficientnet(model: Any, size: tuple[int, int]) -> Layout:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            # The configuration has Keras' momentum, which is the share of the old statistics; torch's is that of the
            # new ones. Without this, the running statistics would be those of the last batch.
            module.momentum = 1 - model.config.batch_norm_momentum
    encoder, ends = model.encoder, ends_of_stages(model.config)
    stages = [nn.Sequential(*encoder.blocks[start:end]) for start, end in zip([0, *ends[:-1]], ends)]
    head = nn.Sequential(encoder.top_conv, encoder.top_bn, encoder.top_activation)
    return Layout([model.embeddings, *stages, head], _mean)


def _of_transformer(model: Any, size: tuple[int, int]) -> Layout:
    # The class token is what the network's own classifier was trained on, so its weights carry the image's content
    # there before any fine-tuning; the mean of the tokens was never trained to.
    _resize_positions(model.embeddings, size)
    model.pooler = None
    *blocks, last = model.layers if hasattr(model, "layers") else model.encoder.layer
    return Layout([_Tokens(model.embeddings), *blocks, nn.Sequential(last, model.layernorm)], _class_token)


class _Tokens(nn.Module):
    """The first stage of a vision transformer: tokens of the patches, behind the class token and others."""

    def __init__(self, embeddings: Any) -> None:
        super().__init__()
        self.embeddings = embeddings

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        own = self.embeddings
        names = ("cls_token", "distillation_token")
        first = [getattr(own, name).expand(x.shape[0], -1, -1) for name in names if hasattr(own, name)]
        return own.dropout(torch.cat([*first, own.patch_embeddings(x)], dim=1) + own.position_embeddings)


def _resize_positions(embeddings: Any, size: tuple[int, int]) -> None:
    """Interpolate the position encodings of the patches for images of another (height, width), once and for all.

    transformers would do it at each image, and the graph of an export with it.
    """
    patches, positions = embeddings.patch_embeddings, embeddings.position_embeddings
    old, new = (
        [side // step for side, step in zip(each, patches.patch_size)] for each in (patches.image_size, size)
    )
    patches.image_size = size
    if old == new:
        return
    n_first = positions.shape[1] - old[0] * old[1]
    first, rest = positions.data[:, :n_first], positions.data[:, n_first:]
    grid = rest.reshape(1, *old, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=new, mode="bicubic", align_corners=False)
    embeddings.position_embeddings = nn.Parameter(torch.cat([first, grid.flatten(2).transpose(1, 2)], dim=1))


def _take_whole(model: Any, size: tuple[int, int]) -> Layout:
    return Layout([_Whole(model)], _mean_of_all)


class _Whole(nn.Module):
    """A network of an unknown family: its last map, or its last tokens."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(pixel_values=x).last_hidden_state


def _mean_of_all(model: Any, x: torch.Tensor) -> torch.Tensor:
    """Take the mean over the positions of a map (n, width, rows, columns), or over tokens (n, tokens, width)."""
    return x.mean(dim=(2, 3)) if x.ndim == 4 else x.mean(dim=1)


#: What draws the weights of a family better than transformers does.
_DRAWN = {"efficientnet": draw_efficientnet}
_LAYOUTS: dict[str, Callable[[Any, tuple[int, int]], Layout]] = {
    "resnet": _of_resnet,
    **dict.fromkeys(("convnext", "convnextv2"), _of_convnext),
    "efficientnet": _of_efficientnet,
    **dict.fromkeys(("vit", "deit", "dinov2"), _of_transformer),
}
