"""Find out what a backbone is, by its name."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..._files import expand
from ..._text import printable
from ...errors import InputError
from ...networks.card_file import ENTRY, check_fields
from ...networks.catalog import find_weights, get_card, read_weights
from ...networks.hub.checkpoint import Checkpoint, find_checkpoint
from ...networks.hub.folder import read_folder
from ...networks.hub_name import HubName, is_hub_name, parse_hub_name
from ...networks.lite import VARIANTS
from ...networks.network import NetworkFiles
from ..extra import TRANSFORMERS, require
from .families import FAMILIES
from .info import BackboneInfo
from .table import BACKBONES, LITE

_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: How images enter a network of transformers without trained weights.
_PLAIN_ENTRY = {
    "fit": "stretch", "filter": "bicubic", "channels": "RGB",
    "mean": tuple(255 * each for each in _IMAGENET_MEAN), "scale": tuple(255 * each for each in _IMAGENET_DEVIATION),
}
_USUAL_SIDE = 224
LONGEST = 300  # characters of an error of torch or transformers


class Examined(NamedTuple):
    """A backbone, and what is needed to load it.

    Attributes
    ----------
    info : BackboneInfo
    config : PretrainedConfig or None
        The configuration of transformers; None for an EfficientNet-Lite.
    checkpoint : Checkpoint or None
        Where its files are; None if no file is needed.
    is_random : bool
        Whether its weights are drawn. False by default: they are read.
    """

    info: BackboneInfo
    config: Any = None
    checkpoint: Checkpoint | None = None
    is_random: bool = False


def describe_backbone(
    name: str | os.PathLike, input_size: tuple[int, int] | None = None, *, pretrained: bool = True
) -> BackboneInfo:
    """Check the name of a backbone, and say what it is.

    An EfficientNet-Lite needs no other package, and torch is not imported. All others need transformers, which imports
    torch.

    Parameters
    ----------
    name : str or path
        A name in `BACKBONES`; the folder of a network of transformers, with ``config.json`` and
        ``model.safetensors``; or its name on the Hugging Face hub, ``ORGANIZATION/NAME`` or
        ``ORGANIZATION/NAME@REVISION``. If there is a folder of that path, it is the folder.
    input_size : (int, int), optional
        Width and height in pixels of the images that enter. Default: what the weights were trained with. The sides are
        at least 32, and of a vision transformer multiples of the side of its patches.
    pretrained : bool, default=True
        Whether the trained weights are wanted. They must be there or are downloaded, with the files that say how images
        enter. With False only the architecture is needed, and a name in `BACKBONES` needs no connection; images enter
        an EfficientNet-Lite as always, and others stretched and normalized by ImageNet's mean and standard deviation.

    Returns
    -------
    BackboneInfo

    Raises
    ------
    ValueError
        If there is no such backbone, its weights cannot be read safely, it takes no images, or none of that size.
    ModuleNotFoundError
        If a package is missing that it needs.
    ConnectionError
        If the hub does not answer, and the cache does not have the network.
    """
    return examine(name, input_size, pretrained).info


def examine(name: str | os.PathLike, input_size: tuple[int, int] | None, pretrained: bool) -> Examined:
    """Find out what a backbone is; see `describe_backbone` for the parameters and errors."""
    if input_size is not None:
        input_size = check_fields({"input_size": input_size}, str(name))["input_size"]
    if isinstance(name, str) and name in VARIANTS:
        return Examined(_describe_lite(name, input_size, pretrained), is_random=not pretrained)
    place = _find_place(name)
    require(f"the backbone {str(name)!r}", TRANSFORMERS)
    known = BACKBONES.get(str(name))
    if known is not None and not pretrained:
        from transformers import AutoConfig

        checkpoint, config = None, AutoConfig.for_model(known.kind, **known.config)
    else:
        checkpoint = find_checkpoint(place, with_weights=pretrained)
        config = _read_config(checkpoint)
    title = str(name) if checkpoint is None or known is not None else checkpoint.title
    _require_images(config, title)
    fields = _read_fields(checkpoint) if checkpoint is not None else {}
    if pretrained:
        entry = {field: fields[field] for field in ENTRY if field in fields}
        if missing := {"mean", "scale"} - set(entry):
            raise InputError(
                f"{title}: nothing says how images enter it ({', '.join(sorted(missing))} missing); put the "
                "preprocessor_config.json that belongs to its weights beside them"
            )
    else:
        entry = dict(_PLAIN_ENTRY)
    entry.setdefault("input_size", _own_size(config))
    if input_size is not None:
        entry = _resize(entry, input_size)
    family = FAMILIES.get(config.model_type)
    info = BackboneInfo(
        name=str(name) if known is not None else fields["name"],
        kind=config.model_type,
        width=None if family is None else family.width(config),
        embedding="embedding" if family is None else family.embedding,
        stages=() if family is None else family.stages(config),
        entry=entry,
        license=fields.get("license", "unknown") if pretrained else "unknown",
        source=fields["source"] if pretrained else f"random weights of the family {config.model_type}",
    )
    if family is not None:
        _require_size(info, family.least_side(config), family.step(config))
    return Examined(info, config, checkpoint, not pretrained)


def _describe_lite(name: str, input_size: tuple[int, int] | None, pretrained: bool) -> BackboneInfo:
    if pretrained and find_weights(name) is None:
        read_weights(name)  # which says what to install
    card = get_card(name, None if input_size is None else {"input_size": input_size})
    entry = {field: getattr(card, field) for field in ("input_size", "fit", "filter", "channels", "mean", "scale")}
    assert card.embedding is not None
    return BackboneInfo(
        name=name, kind=LITE, width=card.layers[card.embedding].width, embedding=card.embedding,
        stages=tuple(layer for layer, found in card.layers.items() if found.is_map), entry=entry,
        license=card.license if pretrained else "unknown",
        source=card.source if pretrained else f"random weights of {name}",
    )


def _find_place(name: str | os.PathLike) -> Path | HubName:
    """Return the folder or the repository that a name leads to; ValueError if it leads to neither."""
    text = os.fspath(name)
    if isinstance(name, str) and name in BACKBONES:
        repository = BACKBONES[name].repository
        assert repository is not None
        return parse_hub_name(repository)
    if not is_hub_name(text):
        folder = expand(name)
        if not isinstance(name, str) or text and (folder.exists() or text.startswith((".", "~", os.sep))):
            return folder
        if "/" not in text:
            near = difflib.get_close_matches(text, BACKBONES, n=3, cutoff=0.3) or list(BACKBONES)
            raise InputError(
                f"there is no backbone {printable(text, 100)!r}; did you mean {' or '.join(map(repr, near))}, or a "
                "folder, or ORGANIZATION/NAME of the hub?"
            )
    try:
        return parse_hub_name(text)
    except InputError as error:
        raise InputError(
            f"expected a backbone ({', '.join(BACKBONES)}), a folder, or ORGANIZATION/NAME[@REVISION] of the hub, got "
            f"{printable(text, 200)!r}; correct the name"
        ) from error


def _read_config(checkpoint: Checkpoint) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(checkpoint.folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # transformers raises what it likes about a file that is damaged or too new
        raise InputError(
            f"{checkpoint.title}: transformers cannot read its config.json ({printable(error, LONGEST)}); name "
            "another network, or update transformers; code that a network brings is never run"
        ) from error


def _require_images(config: Any, title: str) -> None:
    """Raise ValueError if the network takes no images, or not only images."""
    from transformers import MODEL_MAPPING

    model = MODEL_MAPPING.get(type(config), None)
    takes = getattr(model, "main_input_name", None)
    if takes != "pixel_values":
        what = "which transformers has no network for" if model is None else f"which takes {takes}"
        raise InputError(
            f"{title}: expected a network of images, got one of the family {config.model_type!r}, {what}; name "
            "another one, such as microsoft/resnet-18"
        )
    if (n_channels := getattr(config, "num_channels", 3)) != 3:
        raise InputError(
            f"{title}: expected a network for images of 3 channels, got {n_channels}; name a network for color images"
        )


def _read_fields(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what the files of a checkpoint say, as fields of a card."""
    model = checkpoint.folder / "model.safetensors"
    return read_folder(
        NetworkFiles(model, None, model.with_suffix(".card.json"), None, checkpoint.folder, checkpoint.name), ()
    ).fields


def _own_size(config: Any) -> tuple[int, int]:
    """Return the width and height that a configuration names, else the usual ones."""
    side = getattr(config, "image_size", None) or _USUAL_SIDE
    return (side, side) if isinstance(side, int) else (side[1], side[0])


def _resize(entry: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """Return an entry for images of another size that keeps the same part of them."""
    resized = dict(entry, input_size=size)
    if "resize_size" in entry:
        resized["resize_size"] = tuple(
            round(side * new / old) for side, new, old in zip(entry["resize_size"], size, entry["input_size"])
        )
    return resized


def _require_size(info: BackboneInfo, least: int, step: int) -> None:
    if any(side < least or side % step for side in info.input_size):
        multiple = f", multiples of {step}, the side of its patches" if step > 1 else ""
        raise InputError(
            f"{info.name}: expected an input_size with sides of at least {least} pixels{multiple}, got "
            f"{info.input_size[0]} x {info.input_size[1]}; choose another input_size"
        )
