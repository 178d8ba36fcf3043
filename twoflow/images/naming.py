"""Name images that have no names of their own."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .reading import Source, describe


def name_images(images: Sequence[Source]) -> list[str]:
    """Return the path or masked URL of each image, or "image 1", "image 2", ... for images that are not files."""
    return [
        describe(image) if isinstance(image, (str, os.PathLike)) else f"image {number}"
        for number, image in enumerate(images, start=1)
    ]
