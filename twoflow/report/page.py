"""HTML pages that work offline: one file each, readable without JavaScript."""

from __future__ import annotations

import base64
import hashlib
import io
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from ..images import ImageReadError
from ..images.reading import Source, open_reduced

_QUALITY = 70  # of a thumbnail's JPEG: two to three kilobytes at 96 pixels, twenty at 400


class Script(NamedTuple):
    """The text of a script, and the source by which a Content-Security-Policy allows this script and no other."""

    text: Markup
    source: str


def render(template: str, **values: Any) -> str:
    """Render a template of this room; all text is escaped, and a missing name is an error."""
    return _environment().get_template(template).render(**values)


@lru_cache
def read_script(name: str) -> Script:
    """Read a script of this room, to be written into a page as it is."""
    text = files(__package__).joinpath("templates", name).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return Script(Markup(text), f"'sha256-{digest}'")


def thumbnail(image: Source, side: int = 96) -> str | None:
    """Make a small copy of an image as a data URI; None if the image cannot be read.

    Parameters
    ----------
    image : path, bytes, ndarray or PIL.Image.Image
    side : int
        The longer side in pixels, by default 96; a smaller image is not enlarged.
    """
    try:
        # A large JPEG is decoded at a fraction of its size; its last pixels may be padding.
        small = open_reduced(image, None, (side, side)).image
    except ImageReadError:
        return None
    if small is image:  # the image of the caller must not change
        small = small.copy()
    small.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2)
    content = io.BytesIO()
    small.save(content, "JPEG", quality=_QUALITY)
    return data_uri(content.getvalue(), "image/jpeg")


def data_uri(content: bytes, kind: str) -> str:
    """Write the content of a file as a data URI."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )
