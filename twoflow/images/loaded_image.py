"""One image on its way through the flows: decoded once, resized once for each size."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from PIL import Image

from .errors import ImageReadError
from .reading import Reduced, Source, choose_divisor, describe, open_reduced, read_content
from .resizing import resize

#: Resizing stretches the height first. What comes out in between may have so many pixels if the image is far wider than
#: high, by this factor; a row of 5 million pixels would otherwise take gigabytes.
_MOST_STRETCHED, _LONG = 2**25, 16


class LoadedImage:
    """An image that several flows read, decoded when the first of them asks.

    Parameters
    ----------
    source : str, Path, bytes, ndarray or PIL.Image.Image
        See `read_image`.
    name : str, optional
        What an error calls an image that has no path.
    """

    def __init__(self, source: Source, name: str | None = None) -> None:
        self._source = source
        self._given, self._given_name = source, name
        self._by_divisor: dict[int, Reduced] = {}
        self._resized: dict[tuple[int, int], np.ndarray] = {}

    @property
    def name(self) -> str:
        """What an error calls the image."""
        return self._given_name or describe(self._given)

    @cached_property
    def digest(self) -> bytes:
        """16 bytes that stand for the content of the file or, of an image that has none, for its upright pixels.

        What is decoded afterwards is that content, even if the file should change in between.
        """
        if isinstance(self._source, (np.ndarray, Image.Image)):
            return _digest(str(self.rgb.size).encode(), self.rgb.tobytes())
        self._source = read_content(self._source)
        return _digest(self._source)

    @property
    def rgb(self) -> Image.Image:
        """The whole image; raises `ImageReadError`."""
        return self._decoded(None).image

    @property
    def size(self) -> tuple[int, int]:
        """Upright width and height in pixels, decoding no more than has been; raises `ImageReadError`."""
        found = self._known or self._decoded(None)
        return found.full_size or found.image.size

    @property
    def format(self) -> str | None:
        """What kind of file its content says it is, one of `FORMATS`; None for pixels that are no file."""
        return (self._known or self._decoded(None)).format

    @property
    def color_profile(self) -> str:
        """What became of its color profile, one of `COLOR_PROFILES`; decoding no more than has been."""
        return (self._known or self._decoded(None)).color_profile

    def read(self) -> None:
        """Decode the image if nothing has yet, to know that it can be; raises `ImageReadError`."""
        if not self._by_divisor:
            self._decoded(None)

    def resized(self, size: Sequence[int]) -> np.ndarray:
        """The image stretched to `size` (width, height), of shape (height, width, 3) and dtype uint8.

        The proportions are not kept: a product fills its photo, and a crop would cut toes and collars. The filter is
        bicubic with antialiasing, see `resize`; a JPEG that is far larger is decoded at a fraction first, see
        `choose_divisor`. The array is shared between flows and cannot be written to.

        Raises
        ------
        ImageReadError
            If the image cannot be read, or is so much wider than high that resizing takes too much memory.
        """
        width, height = size
        if (width, height) not in self._resized:
            found = self._decoded((width, height))
            stored = found.image
            if stored.width * height > _MOST_STRETCHED and stored.width > _LONG * stored.height:
                raise ImageReadError(
                    self.name, f"stretching {stored.width:,} x {stored.height:,} pixels to {width:,} x {height:,} "
                    "takes too much memory; crop the image",
                )
            self._resized[width, height] = resize(found.image, (width, height), found.box)
        return self._resized[width, height]

    @property
    def _known(self) -> Reduced | None:
        return next(iter(self._by_divisor.values()), None)

    def _decoded(self, size: tuple[int, int] | None) -> Reduced:
        """The image decoded as far as `size` takes; mostly that is the same for all sizes, and it is decoded once."""
        known = self._known
        if known is not None:
            divisor = 1 if size is None or known.full_size is None else choose_divisor(known.full_size, size)
            if divisor in self._by_divisor:
                return self._by_divisor[divisor]
        # The content of a file is called what the file is called; that is asked for only where it differs.
        name = self._given_name if self._source is self._given else self.name
        found = open_reduced(self._source, name, size)
        self._by_divisor[found.divisor] = found
        return found


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()[:16]
