"""Decide how an image's colors become sRGB, from its ICC profile or color codes. LittleCMS converts them."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

from ..errors import InputError
from .errors import refusal

#: What happened to an image's color profile.
#: "none": the file does not describe its colors, so they are assumed to be sRGB.
#: "sRGB": the file says that its colors are sRGB.
#: "converted": the colors were converted to sRGB.
#: "damaged": the profile cannot be used and was ignored.
COLOR_PROFILES = ("none", "sRGB", "converted", "damaged")

_MOST_PROFILE = 4 * 2**20  # bytes; profiles of printing presses have up to 3 MB
_SAME = 2  # gray levels; a profile that differs less from sRGB counts as sRGB
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}  # Pillow's mode for each color space of profiles

_D65 = 0.3127, 0.3290
_SRGB_PRIMARIES = 0.64, 0.33, 0.30, 0.60, 0.15, 0.06
# Chromaticities by code (ITU-T H.273, table 2): x and y of white, red, green and blue.
_PRIMARIES = {
    1: (*_D65, *_SRGB_PRIMARIES),
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
# Exponents by code (table 3); None is the curve of sRGB. The curves of video (1, 6, 14, 15) are read as sRGB's, as
# browsers do.
_TRANSFERS: dict[int, float | None] = {1: None, 4: 2.2, 5: 2.8, 6: None, 8: 1.0, 13: None, 14: None, 15: None}
_HDR = {16: "PQ", 18: "HLG"}
_UNSPECIFIED = 2


class Encoding(NamedTuple):
    """The meaning of RGB values.

    Attributes
    ----------
    chromaticities : tuple of 8 floats
        x and y of white, red, green and blue.
    gamma : float or None
        The exponent that turns RGB values into linear light. Default: None, the curve of sRGB.
    """

    chromaticities: tuple[float, ...]
    gamma: float | None = None


SRGB = Encoding((*_D65, *_SRGB_PRIMARIES))
#: Adobe RGB (1998), section 4.3: the exponent is 2 + 51/256.
ADOBE_RGB = Encoding((*_D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 2.19921875)


class Conversion(NamedTuple):
    """How to convert the colors of an image.

    Attributes
    ----------
    state : str
        One of `COLOR_PROFILES`.
    mode : str
        The mode that the transform takes: "RGB" (default), "L", "CMYK" or "LAB".
    transform : ImageCms.ImageCmsTransform or None
        Converts to mode RGB in sRGB. Default: None, the colors stay as they are.
    """

    state: str
    mode: str = "RGB"
    transform: ImageCms.ImageCmsTransform | None = None


def encoding_of_codes(primaries: int, transfer: int) -> Encoding | None:
    """Look up the encoding of two codes of ITU-T H.273; None if the codes are unspecified or unknown.

    Parameters
    ----------
    primaries : int
        The code of ColourPrimaries. If only this code is unspecified (2), sRGB's primaries are used.
    transfer : int
        The code of TransferCharacteristics. If only this code is unspecified (2), sRGB's curve is used.

    Raises
    ------
    ImageReadError
        If the codes mean high dynamic range, where white has no fixed value.
    """
    if transfer in _HDR:
        raise refusal(f"HDR ({_HDR[transfer]}) has no fixed white; save the image in standard dynamic range")
    if primaries == transfer == _UNSPECIFIED or primaries not in (*_PRIMARIES, _UNSPECIFIED) or \
            transfer not in (*_TRANSFERS, _UNSPECIFIED):
        return None
    return Encoding(_PRIMARIES[1 if primaries == _UNSPECIFIED else primaries], _TRANSFERS.get(transfer))


def encoding_of_primaries(chromaticities: Sequence[float] | None, exponent: float) -> Encoding | None:
    """Make an encoding from chromaticities and an exponent; None if the values make no sense.

    sRGB's chromaticities with an exponent near 1/2.2 give `SRGB`.

    Parameters
    ----------
    chromaticities : sequence of 8 floats or None
        x and y of white, red, green and blue; None means those of sRGB.
    exponent : float
        The exponent that turns linear light into RGB values, such as 1/2.2.
    """
    if not 0.1 <= exponent <= 10:
        return None
    found = tuple(chromaticities or SRGB.chromaticities)
    if any(not 0 < y <= 1 or not 0 <= x <= 1 for x, y in zip(found[::2], found[1::2])):
        return None
    is_srgb = max(abs(one - other) for one, other in zip(found, SRGB.chromaticities)) < 0.002
    if is_srgb and abs(exponent * 2.2 - 1) < 0.02:
        return SRGB
    return Encoding(found, 1 / exponent)


def find_conversion(profile: bytes | None, encoding: Encoding | None, mode: str, is_damaged: bool) -> Conversion:
    """Decide how to convert an image's colors.

    Parameters
    ----------
    profile : bytes or None
        The image's ICC profile. It has priority over `encoding`.
    encoding : Encoding or None
        What the file says of its colors without a profile; None if nothing.
    mode : str
        Pillow's mode of the image. A profile of another color space is ignored.
    is_damaged : bool
        Whether the file has a profile that cannot be extracted.
    """
    state = "damaged" if is_damaged or profile is not None else "none"
    if profile is not None and len(profile) <= _MOST_PROFILE:
        found = _conversion(profile)
        if found is not None and _fits(mode, found.mode):
            return found
    if mode == "LAB":
        return Conversion("converted" if state == "none" else state, "LAB", _lab_transform())
    if encoding is None or mode == "CMYK":
        return Conversion(state)
    if encoding == SRGB:
        return Conversion("sRGB" if state == "none" else state)
    try:
        found = _conversion(matrix_profile(encoding)) or Conversion(state)
    except (ValueError, ArithmeticError, struct.error):  # the primaries span no color space, or a value overflows
        return Conversion(state)
    return found if state == "none" else found._replace(state=state)


def matrix_profile(encoding: Encoding) -> bytes:
    """Make the ICC profile (version 2.4) of an encoding; raises ValueError if its primaries span no color space."""
    tags = [
        (b"desc", b"desc" + bytes(4) + struct.pack(">I", 8) + b"twoflow\0" + bytes(78)),
        (b"wtpt", b"XYZ " + bytes(4) + _fixed(_D50)),
        *((name, b"XYZ " + bytes(4) + _fixed(column)) for name, column in zip(
            (b"rXYZ", b"gXYZ", b"bXYZ"), _colorants(encoding.chromaticities).T
        )),
        *((name, _curve(encoding.gamma)) for name in (b"rTRC", b"gTRC", b"bTRC")),
    ]
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags:
        table += struct.pack(">4sII", name, start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    size = start + len(data)
    head = struct.pack(
        ">I4xI4s4s4s6H4s28x12s", size, 0x02400000, b"mntr", b"RGB ", b"XYZ ", 2000, 1, 1, 0, 0, 0, b"acsp", _fixed(_D50)
    )
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + data


_D50 = np.array([0.9642, 1.0, 0.8249])  # the white point of ICC profiles
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def _colorants(chromaticities: Sequence[float]) -> np.ndarray:
    """Compute XYZ of red, green and blue (columns), adapted from the encoding's white to D50 (ICC.1, annex E)."""
    white, *colors = [np.array([x / y, 1, (1 - x - y) / y]) for x, y in zip(chromaticities[::2], chromaticities[1::2])]
    columns = np.column_stack(colors)
    if abs(np.linalg.det(columns)) < 1e-6:
        raise InputError("the primaries span no color space")
    columns = columns * np.linalg.solve(columns, white)
    cones = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    return np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ columns


def _fixed(values: Sequence[float] | np.ndarray) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(float(value) * 65536) for value in values))


def _curve(gamma: float | None) -> bytes:
    if gamma is None:
        x = np.arange(1024) / 1023
        light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    else:
        light = (np.arange(1024) / 1023) ** gamma
    return b"curv" + bytes(4) + struct.pack(">I", 1024) + np.round(light * 65535).astype(">u2").tobytes()


@lru_cache(maxsize=32)
def _conversion(profile: bytes) -> Conversion | None:
    """Make the conversion of an ICC profile; None if the profile is damaged."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _MODES[source.profile.xcolor_space.strip()]
        transform = ImageCms.buildTransform(source, _srgb(), mode, "RGB")
        if mode in ("RGB", "L") and _is_srgb(transform, mode):
            return Conversion("sRGB", mode)
        return Conversion("converted", mode, transform)
    except Exception:  # LittleCMS and its wrapper in Pillow raise many kinds of errors for hostile profiles
        return None


def _fits(mode: str, wanted: str) -> bool:
    """Return whether a profile for mode `wanted` applies to an image of mode `mode`. Gray counts as RGB too."""
    kind = {"CMYK": "CMYK", "LAB": "LAB"}.get(mode, "L" if mode in _GRAY_MODES else "RGB")
    return kind == wanted or (kind, wanted) == ("L", "RGB")


_GRAY_MODES = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"))


def _is_srgb(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Return whether a transform to sRGB leaves a grid of colors (nearly) unchanged."""
    steps = np.linspace(0, 255, 17).round().astype(np.uint8)
    if mode == "L":
        grid = np.arange(256, dtype=np.uint8)[None]
        expected = grid[..., None]
    else:
        grid = expected = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    found = np.asarray(ImageCms.applyTransform(Image.fromarray(grid), transform))
    return np.abs(found.astype(int) - expected).max() <= _SAME


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@lru_cache(maxsize=1)
def _lab_transform() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB")
