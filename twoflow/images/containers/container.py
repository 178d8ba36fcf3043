"""What is known of an image file before its pixels are decoded."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..color import Encoding
from ..exif import Exif

#: How many chunks, segments, boxes or entries a file may have; taking each apart costs about a microsecond.
MOST_PARTS = 100_000

TOO_MANY_PARTS = f"more than {MOST_PARTS:,} chunks, segments or boxes"


@dataclass(slots=True)  # not frozen, which would take ten microseconds an image
class Container:
    """An image file without its metadata, and what of the metadata says how the pixels are to be read.

    Attributes
    ----------
    content : bytes
        A file of the same format that holds what decoding needs.
    size : (int, int)
        Stored width and height in pixels, before EXIF orientation.
    decoder_memory : int
        How many bytes decoding takes at its peak, the decoded image included, the content not.
    seconds : float
        About how long decoding takes on a slow core, where that can be much longer than other work on as many pixels.
    profile : bytes or None
        The embedded ICC profile.
    is_profile_damaged : bool
        Whether there is an embedded profile, which cannot be taken out.
    encoding : Encoding or None
        What the format itself says of its colors without an ICC profile; None if nothing.
    exif : Exif
    scale : int or None
        The number that means white, where Pillow takes another one for it.
    is_inverted : bool
        Whether 0 means white, where Pillow does not know.
    transparent : int or tuple of int or None
        The value of transparent pixels, where Pillow takes another one for it.
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
