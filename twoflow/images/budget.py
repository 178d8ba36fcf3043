"""Limit the memory and the time that reading one image may take."""

from __future__ import annotations

from PIL import Image

from .errors import ImageReadError, refusal

#: Limits for reading one image: bytes of memory on top of the program itself, and seconds as each format estimates
#: them.
MOST_MEMORY, MOST_SECONDS = 405_000_000, 4.0

#: The largest file, in bytes. While its metadata is removed, two copies of the file are in memory.
MOST_FILE = 200_000_000


def check_file(n_bytes: int) -> None:
    """Raise `ImageReadError` if a file has more than `MOST_FILE` bytes."""
    if n_bytes > MOST_FILE:
        raise refusal(
            f"expected a file of at most {MOST_FILE / 1e6:,.0f} MB, got {n_bytes / 1e6:,.0f} MB; save the image in a "
            "smaller file"
        )


def check_memory(n_bytes: int) -> None:
    """Raise `ImageReadError` if reading an image takes more than `MOST_MEMORY` bytes of memory."""
    if n_bytes > MOST_MEMORY:
        raise refusal(
            f"it needs about {n_bytes / 1e6:,.0f} MB of memory, more than the limit of {MOST_MEMORY / 1e6:,.0f} MB; "
            "save it with fewer pixels"
        )


def check_seconds(seconds: float) -> None:
    """Raise `ImageReadError` if decoding an image may take longer than `MOST_SECONDS`."""
    if seconds > MOST_SECONDS:
        raise refusal(
            f"decoding it may take {seconds:,.0f} seconds, more than the limit of {MOST_SECONDS:.0f}; save it again "
            "as a plain JPEG or PNG"
        )


def check_size(size: tuple[int, int]) -> None:
    """Raise `ImageReadError` if an image has no pixels, or more than ``PIL.Image.MAX_IMAGE_PIXELS``."""
    width, height = size
    limit = Image.MAX_IMAGE_PIXELS
    if width < 1 or height < 1:
        raise refusal(f"expected at least 1 x 1 pixels, got {width} x {height}; save the image again")
    if limit is not None and width * height > limit:
        raise too_many_pixels()


def too_many_pixels() -> ImageReadError:
    """Return the refusal of an image with more than ``PIL.Image.MAX_IMAGE_PIXELS``."""
    return refusal(
        f"more pixels than the limit of {Image.MAX_IMAGE_PIXELS:,} (PIL.Image.MAX_IMAGE_PIXELS); "
        "save it with fewer pixels"
    )
