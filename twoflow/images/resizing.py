"""Resize images with antialiased bicubic interpolation, equal to Pillow's up to rounding but six times as fast."""

from __future__ import annotations

import numpy as np
from cykooz_resizer import CropBox, FilterType, ImageData, PixelType, ResizeAlg, ResizeOptions, Resizer
from PIL import Image

#: The cubic filter with a = -0.5, which is Pillow's bicubic.
_BICUBIC = ResizeAlg.convolution(FilterType.catmull_rom)
# In pixels: larger images are resized in bands of the second size; otherwise three copies would be in memory.
_AT_ONCE, _BAND = 2**22, 2**19


def resize(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> np.ndarray:
    """Stretch an RGB image, or the part in `box`, to `size`.

    Parameters
    ----------
    image : PIL.Image.Image of mode "RGB"
        The image to resize.
    size : (int, int)
        Width and height of the result. The proportions are not kept.
    box : (float, float, float, float), optional
        Left, top, right and bottom of the part to use, in pixels of `image`. Default: the whole image.

    Returns
    -------
    ndarray of shape (height, width, 3) and dtype uint8
        Read-only, and the same on every processor.

    Notes
    -----
    The result differs from that of ``PIL.Image.Image.resize`` by 0.1 of 255 on average, because intermediate values are
    rounded at another step.
    """
    width, height = size
    if image.size == (width, height) and box in (None, (0, 0, width, height)):
        return np.asarray(image)
    left, top, right, bottom = box or (0, 0, *image.size)
    if image.width * image.height > _AT_ONCE:
        image = _resize_height(image, height, top, bottom)
        top, bottom = 0, height
    resized = _resize(image, (width, height), (left, top, right, bottom))
    return np.frombuffer(resized, np.uint8).reshape(height, width, 3)


def _resize_height(image: Image.Image, height: int, top: float, bottom: float) -> Image.Image:
    """Stretch the part from `top` to `bottom` to `height`, and keep the width.

    The resizer also does this step first and rounds its result to 8 bits. Bands of columns give the same pixels, but
    copy only one band at a time.
    """
    result = Image.new("RGB", (image.width, height))
    step = max(1, _BAND // image.height)
    for left in range(0, image.width, step):
        band = image.crop((left, 0, min(left + step, image.width), image.height))
        size = band.width, height
        result.paste(Image.frombytes("RGB", size, _resize(band, size, (0, top, band.width, bottom))), (left, 0))
    return result


def _resize(image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]) -> bytes:
    left, top, right, bottom = box
    options = ResizeOptions(_BICUBIC, use_alpha=False)
    options.crop_box = CropBox(left, top, right - left, bottom - top)
    source = ImageData(*image.size, PixelType.U8x3, image.tobytes())
    resized = ImageData(*size, PixelType.U8x3)
    Resizer().resize(source, resized, options)  # a new one per call, because a resizer is not thread-safe
    return resized.get_buffer()
