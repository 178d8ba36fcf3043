"""open_clip's ``open_clip_config.json``, and the processors that take the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .config import Config
from .geometry import fit_fields

_DEFAULTS = {
    "size": 224,
    "mode": "RGB",
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}
_FITS = {"shortest": "crop", "longest": "pad", "squash": "stretch"}
#: For "random", which is for training, an image to embed is resized by the default.
_FILTERS = {"bicubic": "bicubic", "bilinear": "bilinear", "random": "bicubic"}


def is_open_clip(config: Mapping[str, Any]) -> bool:
    """Return whether this has the keys of open_clip."""
    return "preprocess_cfg" in config or "resize_mode" in config


def read_geometry(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the card that say how an image gets the input size."""
    values = _values(config)
    fit = values.choice("resize_mode", _FITS)
    size, filter = values.size("size"), values.choice("interpolation", _FILTERS)
    fields = fit_fields(fit, filter, size, pad_color=_color(values) if fit == "pad" else None)
    return {**fields, "rounding": "even"}


def read_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the card that say how pixels become numbers."""
    values = _values(config)
    mean, deviation = values.channels("mean"), values.channels("std")
    return {
        "channels": values.choice("mode", {"RGB": "RGB"}),
        "mean": tuple(255 * each for each in mean),
        "scale": tuple(255 * each for each in deviation),
    }


def _values(config: Mapping[str, Any]) -> Config:
    """Return the keys of the transform. The size of the image tower counts before that of the transform."""
    if "preprocess_cfg" not in config:
        return Config(config, _DEFAULTS)
    whole = Config(config)
    tower = Config(whole.table("model_cfg")).table("vision_cfg")
    own = {key: value for key, value in whole.table("preprocess_cfg").items() if value is not None}
    return Config({**own, **({"size": tower["image_size"]} if tower.get("image_size") else {})}, _DEFAULTS)


def _color(values: Config) -> tuple[int, int, int]:
    red, green, blue = values.channels("fill_color")
    if any(value != int(value) or not 0 <= value <= 255 for value in (red, green, blue)):
        raise values.refuse("fill_color", "integers from 0 to 255")
    return int(red), int(green), int(blue)
