"""Reading one picture, whatever it came as, into 8-bit RGB."""

from __future__ import annotations

import io
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile

from . import remote

#: What counts as a picture: a path or a URL, the bytes of a file, an array or a PIL image.
Source: TypeAlias = str | os.PathLike | bytes | np.ndarray | Image.Image

#: The formats that are opened. Pillow knows many more, some of which start other programs (EPS runs Ghostscript). The
#: MPO files of some cameras are opened as the JPEG that they begin with.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")

#: How JPEG can be decoded without its finest parts, how much larger than wanted it must stay, and up to how many pixels
#: there is too little to gain.
_DIVISORS, _MARGIN, _ALWAYS_WHOLE = (1, 2, 4, 8), 2, 2**20

#: What to install to read files with these endings, where that is not installed.
MISSING_READERS: Mapping[str, str] = {
    suffix: 'pip install "twoflow[heic]"' for suffix in (".heic", ".heif")
}

#: File names that are taken for images; whether they are shows when they are read.
_SUFFIXES = frozenset(
    ".avif .bmp .gif .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .ppm .tif .tiff .webp".split()
)

_NAMED = 3  # how many pictures a warning names
_WHITE = (255, 255, 255, 255)

# EXIF 2.32, tag 0x0112: how the stored rows and columns map to the upright picture.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TURNED = (5, 6, 7, 8)  # width and height change places
_FROM_RIGHT, _FROM_BOTTOM = (2, 3, 6, 7), (3, 4, 7, 8)  # where the first stored column or row is not left or on top


class ImageReadError(ValueError):
    """A picture that cannot be read.

    Attributes
    ----------
    name : str
        The path, or a description of a picture that has none.
    reason : str
        What is wrong with it, in one line.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)  # both in args, so that the error survives pickling by a worker
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot read {self.name}: {self.reason}"


class UnreadableImagesWarning(UserWarning):
    """Some pictures cannot be read; the message says how many, which first, and what became of them."""


def read_image(source: Source) -> np.ndarray:
    """Read one picture as upright 8-bit RGB.

    The whole file is decoded, because a truncated JPEG shows only then. EXIF orientation is applied; grey, palette,
    CMYK and 16-bit pictures become 8-bit RGB; transparency is laid on white; of an animation the first frame is taken.

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
        If the picture is missing, empty, damaged, of an unknown format, or has more pixels than
        ``PIL.Image.MAX_IMAGE_PIXELS`` (89 million unless changed), which guards against decompression bombs.
    ModuleNotFoundError
        If it is a URL and fsspec, or what it needs for such a URL, is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> read_image(np.zeros((2, 3), np.uint8)).shape
    (2, 3, 3)
    """
    return np.asarray(open_rgb(source))


def open_rgb(source: Source, name: str | None = None) -> Image.Image:
    """The same as `read_image`, as a PIL image; `name` is what an error calls a picture that has no path."""
    return open_reduced(source, name, None).image


class Reduced(NamedTuple):
    """A picture decoded whole or, if a JPEG, at half, a quarter or an eighth of its size.

    Attributes
    ----------
    image : PIL.Image.Image
        Upright, in mode RGB.
    divisor : int
        1, 2, 4 or 8.
    full_size : (int, int) or None
        Upright width and height of a picture that can be decoded at a fraction; None for one that cannot.
    box : (float, float, float, float) or None
        Where in `image` the picture lies: a JPEG of 999 pixels is 250 at a quarter, of which 249.75 are picture.
    format : str or None
        One of `FORMATS`, whatever the file is called; None for a picture that is no file.
    """

    image: Image.Image
    divisor: int
    full_size: tuple[int, int] | None
    box: tuple[float, float, float, float] | None
    format: str | None = None


def open_reduced(source: Source, name: str | None, size: tuple[int, int] | None) -> Reduced:
    """Decode a picture as far as it takes to resize it to `size`, or whole if that is None; see `choose_divisor`."""
    name = name or describe(source)
    if remote.is_url(source):
        source = read_content(source)  # what is not installed is no fault of the picture
    try:
        if isinstance(source, np.ndarray):
            return Reduced(_from_array(source), 1, None, None)
        if isinstance(source, Image.Image):
            return Reduced(_to_rgb(source), 1, None, None)
        with _open(source) as image:
            if not isinstance(image, JpegImageFile):
                return Reduced(_to_rgb(image), 1, None, None, image.format)
            orientation = _orientation(image)
            full_size = image.size[::-1] if orientation in _TURNED else image.size
            divisor = 1 if size is None else choose_divisor(full_size, size)
            rgb = _to_rgb(image, divisor)
            # Turning the picture upright has turned the columns and rows that are filled up to the left or top.
            left, top = (
                side - full / divisor if orientation in at_end else 0.0
                for side, full, at_end in zip(rgb.size, full_size, (_FROM_RIGHT, _FROM_BOTTOM))
            )
            box = (left, top, left + full_size[0] / divisor, top + full_size[1] / divisor)
            return Reduced(rgb, divisor, full_size, box, "JPEG")  # also of an MPO, of which that is read
    except ImageReadError as error:
        raise ImageReadError(name, error.reason) from error
    except Exception as error:  # decoders fed damaged or hostile bytes raise nearly anything
        raise ImageReadError(name, _reason(error)) from error


def choose_divisor(full_size: tuple[int, int], size: tuple[int, int]) -> int:
    """By how much a JPEG may be reduced in decoding, before it is resized to `size`: 1, 2, 4 or 8.

    So much that it stays at least twice as large as it is to become, in width and in height. The resized pixels are
    then within half a grey level of 255 on average of those of the whole picture (0.44 measured on mosaics of photos,
    the worst case for it; single pixels differ by up to 10), and a photo of 12 megapixels is read four times as fast.
    It depends on the picture and the size alone, so that features do, whatever other flows want of the picture; one of
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
        return Path(source).read_bytes()
    except OSError as error:
        raise ImageReadError(describe(source), _reason(error)) from error


def readable_suffixes() -> frozenset[str]:
    """The endings, in lower case, of files that can be read with what is installed."""
    return _SUFFIXES


def describe(source: Source) -> str:
    """A path as text, a URL without its secrets, or what kind of picture this is."""
    if remote.is_url(source):
        return remote.mask(source)
    if isinstance(source, (str, os.PathLike)):
        return str(source)
    if isinstance(source, bytes):
        return f"a picture of {len(source):,} bytes"
    if isinstance(source, np.ndarray):
        return f"an array of shape {source.shape} and dtype {source.dtype}"
    return f"a {type(source).__name__}"


def warn_unreadable(errors: Sequence[ImageReadError], n_pictures: int, fate: str) -> None:
    """One warning for all pictures that could not be read; `fate` is what they are now, such as "left out"."""
    named = "; ".join(f"{error.name}: {error.reason}" for error in errors[:_NAMED])
    more = "; ..." if len(errors) > _NAMED else ""
    message = f"{len(errors)} of {n_pictures} pictures cannot be read and are {fate}: {named}{more}"
    warnings.warn(message, UnreadableImagesWarning, stacklevel=3)


def _open(source: Source) -> Image.Image:
    file: Path | io.BytesIO
    if isinstance(source, bytes):
        size, file = len(source), io.BytesIO(source)
    elif isinstance(source, (str, os.PathLike)):
        file = Path(source)
        size = file.stat().st_size
    else:
        raise _refusal(f"{type(source).__name__} is not a picture; pass a path, bytes, an array or a PIL image")
    if size == 0:
        raise _refusal("the file is empty")
    return Image.open(file, formats=FORMATS)


def _to_rgb(image: Image.Image, divisor: int = 1) -> Image.Image:
    width, height = image.size
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and width * height > limit:
        raise Image.DecompressionBombError
    orientation = _orientation(image)  # before loading, which may drop the tag
    if divisor > 1:
        image.draft(None, (width // divisor, height // divisor))
    image.load()
    if image.mode.startswith("I"):
        image = _from_16_bit(np.asarray(image))
    elif image.mode == "F":
        raise _refusal("floating-point pixels have no fixed white; save the picture with 8 or 16 bits")
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
    if image.mode != "RGB":
        image = image.convert("RGB")
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a damaged EXIF block is no damage to the pixels; without the tag a picture is upright
        return 1


def _from_array(pixels: np.ndarray) -> Image.Image:
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if 0 in pixels.shape or not (pixels.ndim == 2 or pixels.ndim == 3 and pixels.shape[2] in (3, 4)):
        raise _refusal("an array must have shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)")
    if pixels.dtype == np.uint16:
        pixels = _to_8_bit(pixels)
    if pixels.dtype != np.uint8:
        raise _refusal("an array must have dtype uint8 (0 to 255) or uint16; convert it first")
    return _to_rgb(Image.fromarray(np.ascontiguousarray(pixels)))


def _from_16_bit(pixels: np.ndarray) -> Image.Image:
    # Pillow gives 16-bit grey as I;16 or, for some formats, as 32-bit integers holding 16-bit values.
    if pixels.min() < 0 or pixels.max() > 65535:
        raise _refusal("32-bit pixels have no fixed white; save the picture with 8 or 16 bits")
    return Image.fromarray(_to_8_bit(pixels))


def _to_8_bit(pixels: np.ndarray) -> np.ndarray:
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 = 255 * 257, rounded to nearest


def _refusal(reason: str) -> ImageReadError:
    return ImageReadError("a picture", reason)  # open_rgb puts the picture's name in


def _reason(error: Exception) -> str:
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"more pixels than the limit of {Image.MAX_IMAGE_PIXELS:,} (PIL.Image.MAX_IMAGE_PIXELS)"
    if isinstance(error, Image.UnidentifiedImageError):
        return f"not a picture in a known format ({', '.join(FORMATS)})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return " ".join(str(error).split()) or type(error).__name__
