"""Pages that stand alone: one HTML file that asks the network for nothing and can be read without a script."""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from ..images import ImageReadError
from ..images.reading import Source, open_reduced

_QUALITY = 70  # of a thumbnail's JPEG: two to three kilobytes at 96 pixels


def render(template: str, **values: Any) -> str:
    """Fill in a template of this room; text of every origin is escaped, and a name that is missing is an error."""
    return _environment().get_template(template).render(**values)


def thumbnail(image: Source, side: int = 96) -> str | None:
    """A small copy of an image as a data URI, or None if it cannot be read.

    Parameters
    ----------
    image : path, bytes, ndarray or PIL.Image.Image
    side : int
        The longer side in pixels; a smaller image is not enlarged.
    """
    try:
        # A large JPEG at a fraction of its size; of its last pixels a part may be no image.
        small = open_reduced(image, None, (side, side)).image
    except ImageReadError:
        return None
    if small is image:  # which is not ours to change
        small = small.copy()
    small.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2)
    content = io.BytesIO()
    small.save(content, "JPEG", quality=_QUALITY)
    return data_uri(content.getvalue(), "image/jpeg")


def data_uri(content: bytes, kind: str) -> str:
    """A file's content as the address of itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )
