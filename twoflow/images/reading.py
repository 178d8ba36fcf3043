"""Reading one image, whatever it came as, into 8-bit RGB."""

from __future__ import annotations

import io
import math
import os
import warnings
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from PIL import ExifTags, Image

from .._files import open_regular
from . import remote
from .budget import check_file, check_memory, check_seconds, check_size
from .color import ADOBE_RGB, Encoding, find_conversion
from .containers import Container, take_apart
from .errors import ImageReadError, refusal
from .exif import read_exif
from .formats import FORMATS, MISSING_READERS, has_heif, identify, readable_suffixes
from .pixels import TURNED, to_8_bit, to_array, to_rgb, turn_upright

__all__ = [
    "FORMATS", "MISSING_READERS", "ImageReadError", "Reduced", "Source", "UnreadableImagesWarning", "choose_divisor",
    "describe", "open_reduced", "open_rgb", "read_content", "read_image", "readable_suffixes", "warn_unreadable",
]

#: What counts as an image: a path or a URL, the bytes of a file, an array or a PIL image.
Source: TypeAlias = str | os.PathLike | bytes | np.ndarray | Image.Image

#: How JPEG can be decoded without its finest parts, how much larger than wanted it must stay, and up to how many pixels
#: there is too little to gain.
_DIVISORS, _MARGIN, _ALWAYS_WHOLE = (1, 2, 4, 8), 2, 2**20

_UNKNOWN = f"not an image in a known format ({', '.join(FORMATS)})"
_NAMED = 3  # how many images a warning names
_FROM_RIGHT, _FROM_BOTTOM = (2, 3, 6, 7), (3, 4, 7, 8)  # where the first stored column or row is not left or on top

# Bytes a pixel of Pillow's modes; of those not named, four.
_SMALL_MODES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2, "RGB": 0}


class UnreadableImagesWarning(UserWarning):
    """Some images cannot be read; the message says how many, which first, and what became of them."""


def read_image(source: Source) -> np.ndarray:
    """Read one image as upright 8-bit RGB.

    The whole file is decoded, because a truncated JPEG shows only then. EXIF orientation is applied; colors are
    converted to sRGB by the color profile; gray, palette, CMYK and 16-bit images become 8-bit RGB; transparency is
    laid on white; of an animation the first frame is taken. Damaged metadata are ignored.

    Parameters
    ----------
    source : str, Path, bytes, ndarray or PIL.Image.Image
        A path or an fsspec URL, the content of a file, an array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) and
        dtype uint8 or uint16, or a PIL image.

    Returns
    -------
    ndarray of shape (H, W, 3) and dtype uint8

    Raises
    ------
    ImageReadError
        If the image is missing, no regular file, empty, damaged or of an unknown format; if its numbers are signed,
        of 32 bits, of floating point or HDR; if it has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS`` (89 million
        unless changed); or if decoding would take more than about 400 MB of memory or some seconds.
    ModuleNotFoundError
        If it is a URL and fsspec, or what it needs for such a URL, is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> read_image(np.zeros((2, 3), np.uint8)).shape
    (2, 3, 3)
    """
    return to_array(open_rgb(source))


def open_rgb(source: Source, name: str | None = None) -> Image.Image:
    """The same as `read_image`, as a PIL image; `name` is what an error calls an image that has no path."""
    return open_reduced(source, name, None).image


class Reduced(NamedTuple):
    """An image decoded whole or, if a JPEG, at half, a quarter or an eighth of its size.

    Attributes
    ----------
    image : PIL.Image.Image
        Upright, in mode RGB.
    divisor : int
        1, 2, 4 or 8.
    full_size : (int, int) or None
        Upright width and height of an image that can be decoded at a fraction; None for one that cannot.
    box : (float, float, float, float) or None
        Where in `image` the image lies: a JPEG of 999 pixels is 250 at a quarter, of which 249.75 are image.
    format : str or None
        One of `FORMATS`, whatever the file is called; None for an image that is no file.
    color_profile : str
        What became of its color profile, one of `COLOR_PROFILES`.
    """

    image: Image.Image
    divisor: int
    full_size: tuple[int, int] | None
    box: tuple[float, float, float, float] | None
    format: str | None = None
    color_profile: str = "none"


def open_reduced(source: Source, name: str | None, size: tuple[int, int] | None) -> Reduced:
    """Decode an image as far as it takes to resize it to `size`, or whole if that is None; see `choose_divisor`."""
    given = source
    if remote.is_url(source):
        source = read_content(source)  # what is not installed is no fault of the image
    try:
        if isinstance(source, np.ndarray):
            return Reduced(_from_array(source), 1, None, None)
        if isinstance(source, Image.Image):
            return _from_pil(source)
        return _from_content(source, size)
    except ImageReadError as error:
        raise ImageReadError(name or describe(given), error.reason) from error
    except Exception as error:  # decoders fed damaged or hostile bytes raise nearly anything
        raise ImageReadError(name or describe(given), _reason(error)) from error


def choose_divisor(full_size: tuple[int, int], size: tuple[int, int]) -> int:
    """By how much a JPEG may be reduced in decoding, before it is resized to `size`: 1, 2, 4 or 8.

    So much that it stays at least twice as large as it is to become, in width and in height. The resized pixels are
    then within half a gray level of 255 on average of those of the whole image (0.44 measured on mosaics of photos,
    the worst case for it; single pixels differ by up to 10), and a photo of 12 megapixels is read four times as fast.
    It depends on the image and the size alone, so that features do, whatever other flows want of the image; one of
    up to a megapixel is always decoded whole, and so once for all of them.
    """
    if math.prod(full_size) <= _ALWAYS_WHOLE:
        return 1
    return max(
        divisor for divisor in _DIVISORS
        if divisor == 1 or all(_MARGIN * divisor * wanted <= full for full, wanted in zip(full_size, size))
    )


def read_content(source: str | os.PathLike | bytes) -> bytes:
    """The bytes of a file, whatever they are; raises `ImageReadError` where it cannot be read at all."""
    if isinstance(source, bytes):
        return source
    if remote.is_url(source):
        try:
            return remote.read(source)
        except remote.RemoteError as error:
            raise ImageReadError(error.url, error.reason) from None
    try:
        with open_regular(source) as file:
            size = os.fstat(file.fileno()).st_size
            check_file(size)
            return file.read(size)  # and no more, should it grow meanwhile
    except ImageReadError as error:
        raise ImageReadError(describe(source), error.reason) from None
    except OSError as error:
        raise ImageReadError(describe(source), _reason(error)) from error


def describe(source: Source) -> str:
    """A path as text, a URL without its secrets, or what kind of image this is."""
    if remote.is_url(source):
        return remote.mask(source)
    if isinstance(source, (str, os.PathLike)):
        return str(source)
    if isinstance(source, bytes):
        return f"an image of {len(source):,} bytes"
    if isinstance(source, np.ndarray):
        return f"an array of shape {source.shape} and dtype {source.dtype}"
    return f"a {type(source).__name__}"


def warn_unreadable(errors: Sequence[ImageReadError], n_images: int, fate: str) -> None:
    """One warning for all images that could not be read; `fate` is what they are now, such as "left out"."""
    named = "; ".join(f"{error.name}: {error.reason}" for error in errors[:_NAMED])
    more = "; ..." if len(errors) > _NAMED else ""
    message = f"{len(errors)} of {n_images} images cannot be read and are {fate}: {named}{more}"
    warnings.warn(message, UnreadableImagesWarning, stacklevel=3)


def _from_content(source: Source, size: tuple[int, int] | None) -> Reduced:
    if not isinstance(source, (bytes, str, os.PathLike)):
        raise refusal(f"{type(source).__name__} is not an image; pass a path, bytes, an array or a PIL image")
    content = read_content(source)
    check_file(len(content))
    if not content:
        raise refusal("the file is empty")
    format = identify(content)
    if format is None:
        raise refusal(_UNKNOWN)
    if format == "HEIF" and not has_heif():
        raise refusal(f"HEIF (HEIC) needs a reader: {MISSING_READERS['.heic']}")
    container = take_apart(content, format)
    n_bytes = len(container.content) + (len(content) if container.content is not content else 0)
    del content
    check_size(container.size)
    check_memory(n_bytes + container.decoder_memory)
    check_seconds(container.seconds)
    divisor, full_size, box = 1, None, None
    orientation = container.exif.orientation
    with Image.open(io.BytesIO(container.content), formats=(format,)) as image:
        check_size(image.size)
        check_memory(n_bytes + math.prod(image.size) * max(7, 4 + _SMALL_MODES.get(image.mode, 4)))
        if format == "AVIF":  # Pillow gives how the container says to turn and mirror it in this way
            orientation = read_exif(image.info.get("exif")).orientation
        if format == "JPEG":
            full_size = image.size[::-1] if orientation in TURNED else image.size
            divisor = 1 if size is None else choose_divisor(full_size, size)
            if divisor > 1:
                image.draft(None, (image.width // divisor, image.height // divisor))
        if container.transparent is not None and "transparency" in image.info:
            image.info["transparency"] = container.transparent
        # Loading a TIFF file, Pillow would read its tags once more, and turn it itself.
        image.getexif = Image.Exif  # type: ignore[method-assign]
        image.load()
        conversion = find_conversion(
            container.profile, _encoding(container), image.mode, container.is_profile_damaged
        )
        rgb = to_rgb(image, conversion, container.scale, container.is_inverted, is_ours=True)
    del image
    rgb = turn_upright(rgb, orientation, is_ours=True)
    if full_size is not None:
        # Turning the image upright has turned the columns and rows that are filled up to the left or top.
        left, top = (
            side - full / divisor if orientation in at_end else 0.0
            for side, full, at_end in zip(rgb.size, full_size, (_FROM_RIGHT, _FROM_BOTTOM))
        )
        box = (left, top, left + full_size[0] / divisor, top + full_size[1] / divisor)
    return Reduced(rgb, divisor, full_size, box, format, conversion.state)


def _encoding(container: Container) -> Encoding | None:
    """What the format says of its colors, or else EXIF."""
    return container.encoding or (ADOBE_RGB if container.exif.is_adobe_rgb else None)


def _from_pil(image: Image.Image) -> Reduced:
    check_size(image.size)
    check_memory(math.prod(image.size) * (7 if image.mode == "RGB" else 8))
    image.load()
    profile = image.info.get("icc_profile")
    conversion = find_conversion(profile if isinstance(profile, bytes) else None, None, image.mode, False)
    rgb = to_rgb(image, conversion)
    return Reduced(turn_upright(rgb, _orientation(image)), 1, None, None, None, conversion.state)


def _orientation(image: Image.Image) -> int:
    """That of a loaded image: Pillow turns a TIFF itself in loading it."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a damaged EXIF block is no damage to the pixels; without the tag an image is upright
        return 1


def _from_array(pixels: np.ndarray) -> Image.Image:
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if 0 in pixels.shape or not (pixels.ndim == 2 or pixels.ndim == 3 and pixels.shape[2] in (3, 4)):
        first = pixels.ndim == 3 and pixels.shape[0] in (1, 3, 4) and pixels.size > 0
        raise refusal(
            f"expected an array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), got {pixels.shape}"
            + ("; its channels are first: pass image.transpose(1, 2, 0)" if first else "")
        )
    if pixels.dtype == np.uint16:
        pixels = to_8_bit(pixels)
    if pixels.dtype != np.uint8:
        raise refusal("an array must have dtype uint8 (0 to 255) or uint16; convert it first")
    return _from_pil(Image.fromarray(np.ascontiguousarray(pixels))).image


def _reason(error: Exception) -> str:
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"more pixels than the limit of {Image.MAX_IMAGE_PIXELS:,} (PIL.Image.MAX_IMAGE_PIXELS)"
    if isinstance(error, Image.UnidentifiedImageError):
        return _UNKNOWN
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return " ".join(str(error).split()) or type(error).__name__
