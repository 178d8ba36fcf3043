"""Resize images with antialiasing: equal to Pillow's results up to rounding, but six times as fast."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from cykooz_resizer import CropBox, FilterType, ImageData, PixelType, ResizeAlg, ResizeOptions, Resizer
from PIL import Image


class _Filter(NamedTuple):
    algorithm: ResizeAlg | None  # None: each pixel is taken from one pixel of the image
    support: float  # in pixels of the result or of the image, whichever are larger


_FILTERS = {
    "nearest": _Filter(None, 0.5),
    "box": _Filter(ResizeAlg.convolution(FilterType.box), 0.5),
    "bilinear": _Filter(ResizeAlg.convolution(FilterType.bilinear), 1.0),
    "bicubic": _Filter(ResizeAlg.convolution(FilterType.catmull_rom), 2.0),  # with a = -0.5
    "lanczos": _Filter(ResizeAlg.convolution(FilterType.lanczos3), 3.0),
}
#: The filters, by Pillow's names.
FILTERS = tuple(_FILTERS)

#: Left, top, right and bottom in pixels.
Box = tuple[float, float, float, float]

# In pixels: larger images are resized in bands of the second size; otherwise three copies would be in memory.
_AT_ONCE, _BAND = 2**22, 2**19


def resize(image: Image.Image, size: tuple[int, int], box: Box | None = None, filter: str = "bicubic") -> np.ndarray:
    """Stretch an RGB image, or the part in `box`, to `size`.

    Parameters
    ----------
    image : PIL.Image.Image of mode "RGB"
        The image to resize.
    size : (int, int)
        Width and height of the result. The proportions are not kept.
    box : (float, float, float, float), optional
        Left, top, right and bottom of the part to use, in pixels of `image`. What is just outside of it counts too, as
        if the whole image were resized and then cut. Default: the whole image.
    filter : str
        One of `FILTERS`. "bicubic" by default.

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
    left, top, right, bottom = box or (0, 0, *image.size)
    if (right - left, bottom - top) == size and left == int(left) and top == int(top):
        return _read_only(np.asarray(image)[int(top):int(bottom), int(left):int(right)])
    algorithm = _FILTERS[filter].algorithm
    if algorithm is None:
        rows, columns = (_nearest(*side) for side in ((top, bottom, height, image.height),
                                                      (left, right, width, image.width)))
        return _read_only(np.asarray(image)[rows[:, None], columns])
    # One direction after the other, because the resizer crashes at some boxes if it does both in one call.
    if (top, bottom, height) == (0, image.height, image.height):
        stretched = _to_data(image)
    else:
        stretched = _resize_height(image, height, top, bottom, algorithm)
    return _to_pixels(_resize(stretched, size, (left, 0, right, height), algorithm))


def needed_part(
    image: Image.Image, size: tuple[int, int], box: Box, filter: str = "bicubic"
) -> tuple[Image.Image, Box]:
    """Cut out the pixels that `resize` needs for `box`; return them, and the box inside them.

    It saves memory and time if the box is far smaller than the image, and changes nothing else.
    """
    support = _FILTERS[filter].support
    sides = [
        needed_range(box[axis], box[axis + 2], size[axis], image.size[axis], support) for axis in (0, 1)
    ]
    (left, right), (top, bottom) = sides
    if (left, top, right, bottom) == (0, 0, *image.size):
        return image, box
    return image.crop((left, top, right, bottom)), (box[0] - left, box[1] - top, box[2] - left, box[3] - top)


def needed_range(start: float, stop: float, n_out: int, n_in: int, support: float) -> tuple[int, int]:
    """Return the first pixel that is needed in one direction, and the one after the last."""
    radius = support * max(1.0, (stop - start) / n_out)
    return max(0, math.floor(start - radius) - 1), min(n_in, math.ceil(stop + radius) + 1)


def _nearest(start: float, stop: float, n_out: int, n_in: int) -> np.ndarray:
    positions = start + (np.arange(n_out) + 0.5) * ((stop - start) / n_out)
    return np.floor(positions).astype(np.int64).clip(0, n_in - 1)


def _read_only(pixels: np.ndarray) -> np.ndarray:
    pixels.flags.writeable = False
    return pixels


def _resize_height(image: Image.Image, height: int, top: float, bottom: float, algorithm: ResizeAlg) -> ImageData:
    """Stretch the part from `top` to `bottom` to `height`, and keep the width.

    Bands of columns give the same pixels as the whole, but copy only one band at a time.
    """
    def stretch(band: Image.Image) -> ImageData:
        return _resize(_to_data(band), (band.width, height), (0, top, band.width, bottom), algorithm)

    if image.width * image.height <= _AT_ONCE:
        return stretch(image)
    pixels = np.empty((height, image.width, 3), np.uint8)
    step = max(1, _BAND // image.height)
    for left in range(0, image.width, step):
        right = min(left + step, image.width)
        pixels[:, left:right] = _to_pixels(stretch(image.crop((left, 0, right, image.height))))
    return ImageData(image.width, height, PixelType.U8x3, pixels.tobytes())


def _resize(source: ImageData, size: tuple[int, int], box: Box, algorithm: ResizeAlg) -> ImageData:
    left, top, right, bottom = box
    options = ResizeOptions(algorithm, use_alpha=False)
    options.crop_box = CropBox(left, top, right - left, bottom - top)
    resized = ImageData(*size, PixelType.U8x3)
    Resizer().resize(source, resized, options)  # a new one per call, because a resizer is not thread-safe
    return resized


def _to_data(image: Image.Image) -> ImageData:
    return ImageData(*image.size, PixelType.U8x3, image.tobytes())


def _to_pixels(resized: ImageData) -> np.ndarray:
    return np.frombuffer(resized.get_buffer(), np.uint8).reshape(resized.height, resized.width, 3)
