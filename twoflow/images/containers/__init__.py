"""Take image files apart before a decoder sees them: separate the pixels from the metadata.

Damaged metadata then cannot make intact pixels unreadable, and it takes no memory. The cost of decoding is known before
anything is decoded. Each family of formats has its own module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import bmff, bmp, gif, jpeg, jpeg2000, png, ppm, tiff, webp
from .container import Container

#: The function that takes a file apart, by format.
_READERS: Mapping[str, Callable[[bytes], Container]] = {
    "AVIF": bmff.take_avif_apart,
    "BMP": bmp.take_apart,
    "GIF": gif.take_apart,
    "HEIF": bmff.take_heif_apart,
    "JPEG": jpeg.take_apart,
    "JPEG2000": jpeg2000.take_apart,
    "PNG": png.take_apart,
    "PPM": ppm.take_apart,
    "TIFF": tiff.take_apart,
    "WEBP": webp.take_apart,
}


def take_apart(content: bytes, format: str) -> Container:
    """Take apart the content of a file whose format is one of `FORMATS`; raises `ImageReadError` to refuse it."""
    return _READERS[format](content)


__all__ = ["Container", "take_apart"]
