"""Read one image from any source into 8-bit RGB."""

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
from .budget import check_file, check_memory, check_seconds, check_size, too_many_pixels
from .color import ADOBE_RGB, Encoding, find_conversion
from .containers import Container, take_apart
from .errors import ImageReadError, refusal
from .exif import read_exif
from .fitting import Fitting
from .formats import FORMATS, MISSING_READERS, has_heif, identify, readable_suffixes
from .pixels import TRANSPOSED, to_8_bit, to_array, to_rgb, turn_upright

__all__ = [
    "FORMATS", "MISSING_READERS", "ImageReadError", "Reduced", "Source", "UnreadableImagesWarning", "choose_divisor",
    "describe", "open_reduced", "open_rgb", "orientation_of", "read_content", "read_image", "readable_suffixes",
    "warn_unreadable",
]

#: The types of an image: a path or URL, the bytes of a file, an array, or a PIL image.
Source: TypeAlias = str | os.PathLike | bytes | np.ndarray | Image.Image

#: By how much a JPEG decoder can reduce an image, how many times larger than the wanted size the result must be, and up
#: to how many pixels an image is decoded whole because reducing it would save little.
_DIVISORS, _MARGIN, _ALWAYS_WHOLE = (1, 2, 4, 8), 2, 2**20

_UNKNOWN = f"not an image in a known format ({', '.join(FORMATS)})"
_NAMED = 3  # images that a warning names
# Orientations in which turning an image upright moves padding to the left, and to the top.
_PADDED_LEFT, _PADDED_TOP = (2, 3, 6, 7), (3, 4, 7, 8)

# Bytes per pixel on top of RGB's 4: the size of Pillow's mode, 4 if it is not listed, 0 for RGB itself.
_SMALL_MODES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2, "RGB": 0}


class UnreadableImagesWarning(UserWarning):
    """The warning for images that cannot be read; it counts them, names the first, and says what happened to them."""


def read_image(source: Source) -> np.ndarray:
    """Read one image as upright 8-bit RGB.

    The whole file is decoded, because only this reveals a truncated JPEG. EXIF orientation is applied. Colors are
    converted to sRGB by the color profile. Gray, palette, CMYK and 16-bit images become 8-bit RGB. Transparency is
    composited on white. An animation gives its first frame. Damaged metadata is ignored.

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
        If the image is missing, not a regular file, empty, damaged or of an unknown format; if its samples are signed,
        32-bit, floating-point or HDR; if it has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS`` (default: 89 million);
        or if decoding would take more than about 400 MB of memory or more than 4 seconds.
    ModuleNotFoundError
        If `source` is a URL, and fsspec or the package that it needs for this URL is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> read_image(np.zeros((2, 3), np.uint8)).shape
    (2, 3, 3)
    """
    return to_array(open_rgb(source))


def open_rgb(source: Source, name: str | None = None) -> Image.Image:
    """Read one image as `read_image` does, but return a PIL image.

    Errors call the image `name`; by default its path, or a description such as "an image of 4 bytes".
    """
    return open_reduced(source, name, None).image


class Reduced(NamedTuple):
    """A decoded image. A JPEG may be decoded at half, a quarter or an eighth of its size.

    Attributes
    ----------
    image : PIL.Image.Image
        Upright, in mode RGB.
    divisor : int
        By how much the image was reduced: 1, 2, 4 or 8.
    full_size : (int, int) or None
        Upright width and height before reduction; None if images of this format cannot be reduced.
    box : (float, float, float, float) or None
        Left, top, right and bottom of the content in `image`: at a quarter, a width of 999 becomes 250, but only
        249.75 are content and the rest is padding. None if `full_size` is None.
    format : str or None
        The format by the file's content, one of `FORMATS`. Default: None, for an image that is not a file.
    color_profile : str
        What happened to the color profile, one of `COLOR_PROFILES`. Default: "none".
    """

    image: Image.Image
    divisor: int
    full_size: tuple[int, int] | None
    box: tuple[float, float, float, float] | None
    format: str | None = None
    color_profile: str = "none"


def open_reduced(source: Source, name: str | None, fitting: Fitting | None) -> Reduced:
    """Decode an image, reduced as far as a fitting allows (see `choose_divisor`); whole if `fitting` is None."""
    given = source
    if remote.is_url(source):
        source = read_content(source)  # outside the try: a missing package is not an error of the image
    try:
        if isinstance(source, np.ndarray):
            return Reduced(_from_array(source), 1, None, None)
        if isinstance(source, Image.Image):
            return _from_pil(source)
        return _from_content(source, fitting)
    except ImageReadError as error:
        raise ImageReadError(name or describe(given), error.reason) from error
    except Exception as error:  # decoders raise almost any error for damaged or hostile bytes
        raise ImageReadError(name or describe(given), _reason(error)) from error


def choose_divisor(full_size: tuple[int, int], size: tuple[int, int]) -> int:
    """Choose by how much to reduce a JPEG while decoding, before it is resized to `size`: 1, 2, 4 or 8.

    The reduced image stays at least twice as large as `size`, in width and in height. An image of up to one megapixel
    is never reduced, so it is decoded once for all sizes. The choice depends only on the image and the size, so
    features do not depend on which other flows read the image.

    Parameters
    ----------
    full_size : (int, int)
        Width and height of the image.
    size : (int, int)
        Width and height that it will be resized to, before anything is cut off.

    Notes
    -----
    The resized pixels differ from those of the whole image by less than half a gray level of 255 on average: 0.44 was
    measured on mosaics of photos, the worst case, where single pixels differ by up to 10. A photo of 12 megapixels is
    read four times as fast.
    """
    if math.prod(full_size) <= _ALWAYS_WHOLE:
        return 1
    return max(
        divisor for divisor in _DIVISORS
        if divisor == 1 or all(_MARGIN * divisor * wanted <= full for full, wanted in zip(full_size, size))
    )


def read_content(source: str | os.PathLike | bytes) -> bytes:
    """Return the bytes of a file without checking its format; raises `ImageReadError` if it cannot be read."""
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
            return file.read(size)  # with a size, because the file may grow meanwhile
    except ImageReadError as error:
        raise ImageReadError(describe(source), error.reason) from None
    except OSError as error:
        raise ImageReadError(describe(source), _reason(error)) from error


def describe(source: Source) -> str:
    """Describe an image in a message: its path, its URL without secrets, or its type and size."""
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
    """Warn once about all images that could not be read.

    Parameters
    ----------
    errors : sequence of ImageReadError
        One error per unreadable image; the message quotes the first three.
    n_images : int
        How many images there are in all.
    fate : str
        What happened to the unreadable images, such as "left out".
    """
    named = "; ".join(f"{error.name}: {error.reason}" for error in errors[:_NAMED])
    more = "; ..." if len(errors) > _NAMED else ""
    message = f"{len(errors)} of {n_images} images cannot be read and are {fate}: {named}{more}"
    warnings.warn(message, UnreadableImagesWarning, stacklevel=3)


def _from_content(source: Source, fitting: Fitting | None) -> Reduced:
    if not isinstance(source, (bytes, str, os.PathLike)):
        raise refusal(f"expected a path, bytes, an array or a PIL image, got {type(source).__name__}")
    content = read_content(source)
    check_file(len(content))
    if not content:
        raise refusal("the file is empty; copy it or save it again")
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
        if format == "AVIF":  # Pillow reports rotation and mirroring of the container as EXIF
            orientation = read_exif(image.info.get("exif")).orientation
        if format == "JPEG":
            full_size = image.size[::-1] if orientation in TRANSPOSED else image.size
            divisor = 1 if fitting is None else choose_divisor(full_size, fitting.scale(full_size))
            if divisor > 1:
                image.draft(None, (image.width // divisor, image.height // divisor))
        if container.transparent is not None and "transparency" in image.info:
            image.info["transparency"] = container.transparent
        # Otherwise Pillow, when it loads a TIFF, reads all its tags again and turns the image itself.
        image.getexif = Image.Exif  # type: ignore[method-assign]
        image.load()
        conversion = find_conversion(
            container.profile, _encoding(container), image.mode, container.is_profile_damaged
        )
        rgb = to_rgb(image, conversion, container.scale, container.is_inverted, may_modify=True)
    del image
    rgb = turn_upright(rgb, orientation, may_modify=True)
    if full_size is not None:
        # Padding is at the right and bottom of the stored image; turning it upright may move it to the left or top.
        left, top = (
            side - full / divisor if orientation in padded else 0.0
            for side, full, padded in zip(rgb.size, full_size, (_PADDED_LEFT, _PADDED_TOP))
        )
        box = (left, top, left + full_size[0] / divisor, top + full_size[1] / divisor)
    return Reduced(rgb, divisor, full_size, box, format, conversion.state)


def _encoding(container: Container) -> Encoding | None:
    """Return the encoding that the format gives, or else the one that EXIF gives."""
    return container.encoding or (ADOBE_RGB if container.exif.is_adobe_rgb else None)


def _from_pil(image: Image.Image) -> Reduced:
    check_size(image.size)
    check_memory(math.prod(image.size) * (7 if image.mode == "RGB" else 8))
    image.load()
    profile = image.info.get("icc_profile")
    conversion = find_conversion(profile if isinstance(profile, bytes) else None, None, image.mode, False)
    rgb = to_rgb(image, conversion)
    return Reduced(turn_upright(rgb, orientation_of(image)), 1, None, None, None, conversion.state)


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation of a loaded image. Pillow has already turned a TIFF and reports 1 for it."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF does not damage the pixels; treat the image as upright
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
        raise refusal(f"expected an array of dtype uint8 (0 to 255) or uint16, got {pixels.dtype}; convert it first")
    return _from_pil(Image.fromarray(np.ascontiguousarray(pixels))).image


def _reason(error: Exception) -> str:
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return too_many_pixels().reason
    if isinstance(error, Image.UnidentifiedImageError):
        return _UNKNOWN
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return " ".join(str(error).split()) or type(error).__name__
