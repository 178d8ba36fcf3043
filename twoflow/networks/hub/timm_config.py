"""timm's ``config.json``: how its evaluation transform makes the pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...errors import InputError
from ...images import FILTERS
from .config import Config
from .geometry import color_of, fit_fields

_DEFAULTS = {
    "input_size": [3, 224, 224],
    "interpolation": "bicubic",
    "crop_pct": 0.875,
    "crop_mode": "center",
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
}
_FILTERS = {name: name for name in FILTERS}
_FITS = {"center": "crop", "squash": "stretch", "border": "pad"}


def is_timm(config: Mapping[str, Any]) -> bool:
    """Return whether timm has written this, or one of its older versions."""
    return "pretrained_cfg" in config or {"architecture", "input_size", "mean"} <= set(config)


def read_geometry(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the card that say how an image gets the input size."""
    values = _values(config)
    size = values.size("input_size")
    fraction = values.number("crop_pct")
    if fraction > 1:
        raise values.refuse("crop_pct", "at most 1, the part of the resized image that is kept")
    fit = values.choice("crop_mode", _FITS)
    fields = fit_fields(
        fit, values.choice("interpolation", _FILTERS), size,
        (math.floor(size[0] / fraction), math.floor(size[1] / fraction)),
        color_of(values.channels("mean")) if fit == "pad" else None,
    )
    return {**fields, "rounding": "even"}


def read_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the card that say how pixels become numbers."""
    values = _values(config)
    channels = values.raw("input_size")
    if isinstance(channels, (list, tuple)) and len(channels) == 3 and channels[0] != 3:
        raise InputError(f"input_size: expected 3 channels, got {channels[0]!r}; use a network for color images")
    mean, deviation = values.channels("mean"), values.channels("std")
    return {
        "channels": "RGB",
        "mean": tuple(255 * each for each in mean),
        "scale": tuple(255 * each for each in deviation),
    }


def _values(config: Mapping[str, Any]) -> Config:
    return Config(Config(config).table("pretrained_cfg") or config, _DEFAULTS)
