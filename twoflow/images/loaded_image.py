"""One image on its way through the flows, decoded once and resized once for each fitting."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from PIL import Image

from .errors import ImageReadError
from .fitting import Fitting, Placement
from .reading import Reduced, Source, choose_divisor, describe, open_reduced, read_content
from .resizing import needed_part, resize

#: Resizing stretches the height first. If the part of the image that is needed is wider than high by more than this
#: factor, the result in between may have at most so many pixels; a row of 5 million pixels would otherwise take
#: gigabytes.
_MOST_STRETCHED, _LONG = 2**25, 16


class LoadedImage:
    """One image as flows see it: RGB, upright, decoded when the first flow asks for it.

    A flow's `extract` is given one, and asks it for pixels: mostly `resized`; `fitted` keeps the proportions, and `rgb`
    has all pixels. Every flow that looks at the image shares this object, so it is decoded once, and resized once for
    each fitting. The orientation and the color profile of the file are applied already; gray, transparent and 16-bit
    images are 8-bit RGB, see `read_image`.

    `resized`, `fitted`, `rgb`, `size`, `format`, `color_profile` and `read` raise `ImageReadError` if the image cannot
    be read. A flow need not catch it: the engine does what the flow's `on_error` says.

    Parameters
    ----------
    source : str, Path, bytes, ndarray or PIL.Image.Image
        See `read_image`.
    name : str, optional
        What errors call the image. By default, it is the path, or a short description of the source.

    Examples
    --------
    >>> import numpy as np
    >>> from twoflow.images import LoadedImage
    >>> image = LoadedImage(np.zeros((30, 40, 3), np.uint8))
    >>> image.size
    (40, 30)
    >>> image.resized((8, 4)).shape
    (4, 8, 3)
    """

    def __init__(self, source: Source, name: str | None = None) -> None:
        self._source = source
        self._given, self._given_name = source, name
        self._by_divisor: dict[int, Reduced] = {}
        self._fitted: dict[Fitting, np.ndarray] = {}

    @property
    def name(self) -> str:
        """What errors call the image."""
        return self._given_name or describe(self._given)

    @cached_property
    def digest(self) -> bytes:
        """16 bytes, equal for images of equal content: the bytes of the file or, without a file, the upright pixels.

        The file is read once. If it changes afterwards, the content that was read is decoded.
        """
        if isinstance(self._source, (np.ndarray, Image.Image)):
            return _digest(str(self.rgb.size).encode(), self.rgb.tobytes())
        self._source = read_content(self._source)
        return _digest(self._source)

    @property
    def rgb(self) -> Image.Image:
        """The whole image at full size, upright and in mode "RGB". Shared between flows: do not change it."""
        return self._decoded(None).image

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole image in pixels, upright. It decodes only if nothing has been decoded yet."""
        found = self._known or self._decoded(None)
        return found.full_size or found.image.size

    @property
    def format(self) -> str | None:
        """The format of the file, by its content: one of `FORMATS`, or None if the image is not a file."""
        return (self._known or self._decoded(None)).format

    @property
    def color_profile(self) -> str:
        """What was done with the color profile, one of `COLOR_PROFILES`."""
        return (self._known or self._decoded(None)).color_profile

    def read(self) -> None:
        """Decode the image if nothing has been decoded yet, to make sure that it can be read."""
        if not self._by_divisor:
            self._decoded(None)

    def resized(self, size: Sequence[int]) -> np.ndarray:
        """Stretch the image to one size.

        Proportions are not kept: a product fills its photo, and a crop would cut toes and collars. The filter is
        bicubic. It is ``fitted(Fitting(size))``.

        Parameters
        ----------
        size : (int, int)
            Width and height in pixels.

        Returns
        -------
        ndarray of shape (height, width, 3) and dtype uint8
            RGB. Flows share the array, so it is read-only.

        Raises
        ------
        ImageReadError
            See `fitted`.
        """
        width, height = size
        return self.fitted(Fitting((width, height)))

    def fitted(self, fitting: Fitting) -> np.ndarray:
        """Resize the image with antialiasing, then cut out the middle or add margins, as the fitting says.

        Only the pixels that are needed are resized. A JPEG that is far larger is decoded at a fraction of its size
        first, see `choose_divisor`.

        Parameters
        ----------
        fitting : Fitting
            Size, fit, filter, pad color and more.

        Returns
        -------
        ndarray of shape (height, width, 3) and dtype uint8
            RGB, of the size ``fitting.size_of(...)``. Flows share the array, so it is read-only.

        Raises
        ------
        ImageReadError
            If the image cannot be read, or is so much wider than high that resizing takes too much memory.
        """
        if fitting not in self._fitted:
            found = self._decoded(fitting)
            full_size = found.full_size or found.image.size
            placement = fitting.place(full_size)
            part = self._resize_part(found, placement, fitting)
            if placement.part != fitting.size_of(full_size):
                (left, top), (width, height) = placement.offset, placement.part
                padded = np.empty((*fitting.size[::-1], 3), np.uint8)
                padded[:] = fitting.pad_color
                padded[top:top + height, left:left + width] = part
                padded.flags.writeable = False
                part = padded
            self._fitted[fitting] = part
        return self._fitted[fitting]

    def _resize_part(self, found: Reduced, placement: Placement, fitting: Fitting) -> np.ndarray:
        """Resize the part of the image that is not cut off."""
        (width, height), filter = placement.part, fitting.filter
        whole = found.box or (0, 0, *found.image.size)
        box = placement.box(whole)
        image, box = needed_part(found.image, placement.part, box, filter)
        if image.width * height > _MOST_STRETCHED and image.width > _LONG * image.height:
            raise ImageReadError(
                self.name, f"stretching {image.width:,} x {image.height:,} pixels to {width:,} x {height:,} takes too "
                "much memory; crop the image",
            )
        return resize(image, placement.part, box, filter)

    @property
    def _known(self) -> Reduced | None:
        return next(iter(self._by_divisor.values()), None)

    def _decoded(self, fitting: Fitting | None) -> Reduced:
        """Decode the image as far as `fitting` needs. Mostly all need the same, and it is decoded once."""
        known = self._known
        if known is not None:
            divisor = 1
            if fitting is not None and known.full_size is not None:
                divisor = choose_divisor(known.full_size, fitting.scale(known.full_size))
            if divisor in self._by_divisor:
                return self._by_divisor[divisor]
        # If the source was replaced by the content of its file, errors still name the file.
        name = self._given_name if self._source is self._given else self.name
        found = open_reduced(self._source, name, fitting)
        self._by_divisor[found.divisor] = found
        return found


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()[:16]
