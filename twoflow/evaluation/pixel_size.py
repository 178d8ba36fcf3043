"""Choose the size of raw pixels: what memory allows, and no larger than the images are."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..images import ImageCollection
from ..images.sizes import read_sizes

#: The number of the paper's images, and their width and height.
_PAPER_IMAGES, _PAPER_SIZE = 5_250, (640, 480)
#: The share of images that may be enlarged. Without it a single thumbnail would decide for all.
_SHARE_ENLARGED = 0.1
#: The share of memory that one table of raw pixels may take. A method holds several tables, and so does each process.
_PIXELS_SHARE = 1 / 16
_MOST_MEMORY = 2**32  # memory beyond this is ignored, so that the methods are the same on most machines
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


def choose_size(collection: ImageCollection | None) -> tuple[int, int]:
    """Choose the largest whole fraction of the paper's 640 x 480 that memory and the images allow.

    Parameters
    ----------
    collection : ImageCollection or None
        A table of its pixels may take a sixteenth of the machine's memory, or of 4 GiB if that is less. Nine of ten
        images must be at least as wide and as high as the size, so that their pixels are not made up. The sizes of up
        to 200 images are read, spread evenly. With None, the size is that for the paper's 5,250
        images of 640 x 480.

    Returns
    -------
    (int, int)
        Width and height. If nothing else is allowed, the smallest fraction, 4 x 3.
    """
    n_images = _PAPER_IMAGES if collection is None else len(collection)
    n_most = _PIXELS_SHARE * _memory() / (np.dtype(np.float32).itemsize * 3 * n_images)
    found = read_sizes([] if collection is None else collection.images)
    width, height = _PAPER_SIZE
    common = math.gcd(width, height)
    sizes = [(width // divisor, height // divisor) for divisor in range(1, common + 1) if common % divisor == 0]
    most_enlarged = _SHARE_ENLARGED * len(found)
    return next(
        (size for size in sizes if math.prod(size) <= n_most and _is_enlarged(found, size).sum() <= most_enlarged),
        sizes[-1],
    )


def note_enlarged(name: str, size: tuple[int, int], sizes: np.ndarray) -> str | None:
    """Write the note for a method that enlarges images; None if it enlarges none.

    Parameters
    ----------
    name : str
        The method.
    size : (int, int)
        Width and height that it stretches every image to.
    sizes : ndarray of shape (n, 2)
        Width and height of each image.

    Returns
    -------
    str or None
    """
    n_enlarged = int(_is_enlarged(sizes, size).sum())
    if not n_enlarged:
        return None
    width, height = sizes.min(axis=0)
    return (
        f"{name} enlarges {n_enlarged:,} of {len(sizes):,} images to {size[0]} x {size[1]} pixels; "
        f"pixels:{width}x{height} is the largest size that enlarges none"
    )


def _is_enlarged(sizes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.less(sizes, size).any(axis=1)


def _memory() -> int:
    """Return the memory of the machine or its container in bytes, whichever is less, and at most `_MOST_MEMORY`."""
    found = [_MOST_MEMORY]
    with suppress(AttributeError, ValueError, OSError):  # not every system reports it
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with suppress(ValueError, OSError):  # "max" means that the container has no limit
        found.append(int(_CONTAINER_LIMIT.read_text()))
    return min(found)
