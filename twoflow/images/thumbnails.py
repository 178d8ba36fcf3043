"""Make small copies of images that a page can contain."""

from __future__ import annotations

import base64
import io

from PIL import Image

from .fitting import Fitting
from .reading import ImageReadError, Source, open_reduced

_QUALITY = 70  # of the JPEG: two to three kilobytes at 96 pixels, twenty at 400


def thumbnail(image: Source, side: int = 96) -> str | None:
    """Make a small copy of an image as a data URI; see `jpeg_thumbnail`."""
    content = jpeg_thumbnail(image, side)
    return None if content is None else data_uri(content, "image/jpeg")


def jpeg_thumbnail(image: Source, side: int = 96) -> bytes | None:
    """Make a small copy of an image as a JPEG, without any metadata; None if the image cannot be read.

    Parameters
    ----------
    image : path, bytes, ndarray or PIL.Image.Image
    side : int
        The longer side in pixels, by default 96; a smaller image is not enlarged.
    """
    try:
        # A large JPEG is decoded at a fraction of its size; its last pixels may be padding.
        small = open_reduced(image, None, Fitting((side, side))).image
    except ImageReadError:
        return None
    if small is image:  # the image of the caller must not change
        small = small.copy()
    small.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2)
    content = io.BytesIO()
    small.save(content, "JPEG", quality=_QUALITY)
    return content.getvalue()


def data_uri(content: bytes, kind: str) -> str:
    """Write the content of a file as a data URI.

    Parameters
    ----------
    content : bytes
    kind : str
        The media type, such as "image/jpeg".
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
