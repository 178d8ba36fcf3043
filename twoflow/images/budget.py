"""The limits of memory and time that reading one image keeps."""

from __future__ import annotations

from PIL import Image

from .errors import refusal

#: What reading one image may take, in bytes beside the program itself, and in seconds as each format estimates them.
MOST_MEMORY, MOST_SECONDS = 405_000_000, 4.0

#: The bytes of a file; while its metadata are taken out there are two copies.
MOST_FILE = 200_000_000


def check_file(n_bytes: int) -> None:
    """Raise `ImageReadError` if a file has more bytes than one may have."""
    if n_bytes > MOST_FILE:
        raise refusal(f"a file of {n_bytes / 1e6:,.0f} MB; the limit is {MOST_FILE / 1e6:,.0f} MB")


def check_memory(n_bytes: int) -> None:
    """Raise `ImageReadError` if that is more than one image may take."""
    if n_bytes > MOST_MEMORY:
        raise refusal(
            f"it needs about {n_bytes / 1e6:,.0f} MB of memory, more than the limit of {MOST_MEMORY / 1e6:,.0f} MB; "
            "save it with fewer pixels"
        )


def check_seconds(seconds: float) -> None:
    """Raise `ImageReadError` if decoding may take longer than one image may."""
    if seconds > MOST_SECONDS:
        raise refusal(
            f"decoding it may take {seconds:,.0f} seconds, more than the limit of {MOST_SECONDS:.0f}; save it again, "
            "as a plain JPEG or PNG"
        )


def check_size(size: tuple[int, int]) -> None:
    """Raise `ImageReadError` for an image without pixels, or with more than ``PIL.Image.MAX_IMAGE_PIXELS``."""
    width, height = size
    limit = Image.MAX_IMAGE_PIXELS
    if width < 1 or height < 1:
        raise refusal(f"an image of {width} x {height} pixels")
    if limit is not None and width * height > limit:
        raise refusal(f"more pixels than the limit of {limit:,} (PIL.Image.MAX_IMAGE_PIXELS)")
