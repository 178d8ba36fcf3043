"""Convert pixels of any mode to upright 8-bit RGB in sRGB, in pieces, so that large images need little extra memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from .color import Conversion
from .errors import refusal

_WHITE = (255, 255, 255, 255)
# In pixels: up to how many an image is converted at once, and the size of the pieces of a larger one.
_AT_ONCE, _PIECE = 2**22, 2**18
_SQUARE = 512  # pixels per side of the squares in which a large image is turned

# EXIF 2.32, tag 0x0112: how the stored rows and columns map to the upright image.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Orientations that swap width and height.
TRANSPOSED = (5, 6, 7, 8)


def to_rgb(
    image: Image.Image, conversion: Conversion, scale: int | None = None, is_inverted: bool = False,
    may_modify: bool = False,
) -> Image.Image:
    """Convert a decoded image to mode RGB.

    Parameters
    ----------
    image : PIL.Image.Image
        An image of any mode. Transparency is composited on white.
    conversion : Conversion
        How to convert its colors.
    scale : int, optional
        The value of white. Default: 65535 for 16-bit modes, 255 for others.
    is_inverted : bool, default False
        Whether 0 is white; only used for 16-bit modes.
    may_modify : bool, default False
        Whether the image may be modified in place, which saves memory.

    Returns
    -------
    PIL.Image.Image
        The image itself if there is nothing to convert.
    """
    if image.mode == "RGB" and conversion.transform is None and scale is None and not image.has_transparency_data:
        return image
    boxes = list(_pieces(image.size))
    if len(boxes) == 1:
        return _piece_to_rgb(image, conversion, scale, is_inverted)
    result = image if may_modify and image.mode == "RGB" else Image.new("RGB", image.size)
    for box in boxes:
        result.paste(_piece_to_rgb(image.crop(box), conversion, scale, is_inverted), box[:2])
    return result


def to_array(image: Image.Image) -> np.ndarray:
    """Return the pixels of an RGB image as a read-only array of shape (H, W, 3) and dtype uint8."""
    boxes = list(_pieces(image.size))
    if len(boxes) == 1:
        return np.asarray(image)
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for box in boxes:
        left, top, right, bottom = box
        pixels[top:bottom, left:right] = np.asarray(image.crop(box))
    pixels.flags.writeable = False
    return pixels


def turn_upright(image: Image.Image, orientation: int, may_modify: bool = False) -> Image.Image:
    """Turn an RGB image upright by its EXIF orientation.

    With `may_modify`, a large image is closed after its pixels are copied, which saves memory; use only the result.
    """
    if orientation not in _UPRIGHT:
        return image
    if not may_modify or image.width * image.height <= _AT_ONCE:
        return image.transpose(_UPRIGHT[orientation])
    pixels = to_array(image)  # 3 bytes per pixel; Pillow uses 4
    image.close()
    if orientation in TRANSPOSED:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    result = Image.new("RGB", (pixels.shape[1], pixels.shape[0]))
    for top in range(0, result.height, _SQUARE):  # squares: they are fast to read when rows become columns
        for left in range(0, result.width, _SQUARE):
            piece = np.ascontiguousarray(pixels[top:top + _SQUARE, left:left + _SQUARE])
            result.paste(Image.fromarray(piece), (left, top))
    return result


def to_8_bit(pixels: np.ndarray) -> np.ndarray:
    """Scale 16-bit values to 8 bits: divide by 257 (65535 = 255 * 257) and round to nearest."""
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _pieces(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Yield boxes that cover an image: one box, or several if the image is large."""
    width, height = size
    if width * height <= _AT_ONCE:
        yield 0, 0, width, height
        return
    step_x = min(width, _PIECE)
    step_y = max(1, _PIECE // step_x)
    for top in range(0, height, step_y):
        for left in range(0, width, step_x):
            yield left, top, min(left + step_x, width), min(top + step_y, height)


def _piece_to_rgb(image: Image.Image, conversion: Conversion, scale: int | None, is_inverted: bool) -> Image.Image:
    if image.mode.startswith("I"):
        image = _from_16_bit(image, scale, is_inverted)
    elif image.mode == "F":
        raise refusal("floating-point pixels have no fixed white; save the image with 8 or 16 bits")
    elif scale is not None and image.mode in ("L", "LA", "RGB", "RGBA"):
        image = image.point([min(255, round(value * 255 / scale)) for value in range(256)] * len(image.getbands()))
    if image.mode == "La":  # Pillow converts this mode to no other
        image = image.convert("LA")
    if conversion.transform is None:
        if image.has_transparency_data:
            image = _lay_on_white(image.convert("RGBA"))
        return image if image.mode == "RGB" else image.convert("RGB")
    whole = image.convert("RGBA") if image.has_transparency_data else None
    if conversion.mode == "RGB" and whole is not None:
        image = whole
    if image.mode != conversion.mode:
        image = image.convert(conversion.mode)
    rgb = conversion.transform.apply(image)
    if whole is None:
        return rgb
    rgb.putalpha(whole.getchannel("A"))
    return _lay_on_white(rgb)


def _lay_on_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image).convert("RGB")


def _from_16_bit(image: Image.Image, scale: int | None, is_inverted: bool) -> Image.Image:
    # Pillow returns 16-bit gray as I;16 or, for some formats, as 32-bit integers with 16-bit values.
    pixels = np.asarray(image)
    if pixels.min() < 0 or pixels.max() > 65535:
        raise refusal("32-bit pixels have no fixed white; save the image with 8 or 16 bits")
    if scale is None:
        gray = to_8_bit(pixels)
    else:
        gray = np.rint(np.minimum(pixels, scale) * (255 / scale)).astype(np.uint8)
    result = Image.fromarray(255 - gray if is_inverted else gray)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        result.putalpha(Image.fromarray(np.where(pixels == transparent, 0, 255).astype(np.uint8)))
    return result
