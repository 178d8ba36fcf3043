"""Read how large images are, without decoding them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from .containers import take_apart
from .formats import identify
from .pixels import TRANSPOSED
from .reading import Source, orientation_of, read_content


def read_sizes(images: Sequence[Source], n_most: int = 200) -> np.ndarray:
    """Read the width and height of some images, spread evenly, from the headers of their files.

    Parameters
    ----------
    images : sequence of str, Path, bytes, ndarray or PIL.Image.Image
        See `read_image`.
    n_most : int, default=200
        At most so many images are read: from a server, each may take a while.

    Returns
    -------
    ndarray of shape (m, 2) and dtype int
        Width and height in pixels, upright as far as EXIF tells. Images that cannot be read are left out, so that m may
        be 0.
    """
    positions = np.unique(np.linspace(0, len(images) - 1, min(n_most, len(images))).round().astype(int))
    found = [_read_size(images[position]) for position in positions]
    return np.array([size for size in found if size is not None], dtype=int).reshape(-1, 2)


def _read_size(source: Source) -> tuple[int, int] | None:
    if isinstance(source, np.ndarray):
        return (source.shape[1], source.shape[0]) if source.ndim > 1 else None
    if isinstance(source, Image.Image):
        is_upright = source.format == "TIFF"  # Pillow turns its size, but reports its orientation until it is loaded
        return source.size if is_upright else _upright(source.size, orientation_of(source))
    if not isinstance(source, (str, bytes, os.PathLike)):
        return None
    try:
        content = read_content(source)
        format = identify(content)
        if format is None:
            return None
        container = take_apart(content, format)
    except Exception:  # damaged or hostile bytes cause almost any error; who decodes the image will report it
        return None
    return _upright(container.size, container.exif.orientation)


def _upright(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return size[::-1] if orientation in TRANSPOSED else size
