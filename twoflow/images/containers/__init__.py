"""Image files taken apart before a decoder sees them: the pixels here, what is said about them there.

Metadata can then neither cost an image whose pixels are whole nor take memory, and what decoding will take is known
before anything is decoded. One module a family of formats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import bmff, bmp, gif, jpeg, jpeg2000, png, ppm, tiff, webp
from .container import Container

#: What takes a file's content apart, by format.
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
    """Take apart the content of a file of one of `FORMATS`; raises `ImageReadError` if it is refused."""
    return _READERS[format](content)


__all__ = ["Container", "take_apart"]
