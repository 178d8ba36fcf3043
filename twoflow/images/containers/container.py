"""Describe an image file before its pixels are decoded."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..color import Encoding
from ..exif import Exif

#: How many chunks, segments, boxes or entries a file may have. Reading each one takes about a microsecond.
MOST_PARTS = 100_000

#: The refusal of a file that has more.
TOO_MANY_PARTS = f"more than {MOST_PARTS:,} chunks, segments or boxes; save the image without metadata"


@dataclass(slots=True)  # not frozen, which would cost ten microseconds per image
class Container:
    """An image file without its metadata, and the metadata that says how to interpret the pixels.

    Attributes
    ----------
    content : bytes
        A file of the same format that holds only what decoding needs.
    size : (int, int)
        Stored width and height in pixels, before EXIF orientation is applied.
    decoder_memory : int
        The peak memory of decoding in bytes, with the decoded image and without `content`.
    seconds : float
        Roughly how long decoding takes on a slow core. Default: 0, for formats that never take much longer than other
        work on as many pixels.
    profile : bytes or None
        The embedded ICC profile. Default: None, there is none that can be used.
    is_profile_damaged : bool
        Whether the file has an ICC profile that cannot be extracted. Default: False.
    encoding : Encoding or None
        What the file says of its colors without an ICC profile. Default: None, nothing.
    exif : Exif
        The EXIF values. Default: upright, and not Adobe RGB.
    scale : int or None
        The value of white, if Pillow assumes another one. Default: None, Pillow is right.
    is_inverted : bool
        Whether 0 is white and Pillow does not know it. Default: False.
    transparent : int or tuple of int or None
        The value of transparent pixels, if Pillow assumes another one. Default: None, Pillow is right.
    """

    content: bytes
    size: tuple[int, int]
    decoder_memory: int
    seconds: float = 0.0
    profile: bytes | None = field(default=None, repr=False)
    is_profile_damaged: bool = False
    encoding: Encoding | None = None
    exif: Exif = Exif()
    scale: int | None = None
    is_inverted: bool = False
    transparent: int | tuple[int, ...] | None = None
