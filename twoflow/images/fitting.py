"""How an image of any proportions becomes pixels of one size."""

from __future__ import annotations

from typing import NamedTuple

#: The names of Pillow's filters.
FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
FITS = ("stretch", "crop", "pad")


class Fitting(NamedTuple):
    """How an image of any proportions becomes pixels of one size.

    The image is resized, with antialiasing, for `resize_size`. If that is larger than `size`, the middle is cut out.

    Attributes
    ----------
    size : (int, int)
        Width and height of the result in pixels.
    fit : {"stretch", "crop", "pad"}
        How the image is resized. "stretch", the default, gives it `resize_size` and changes its proportions. "crop"
        keeps them: the image covers `resize_size`, and what is beyond `size` is cut off on both sides. "pad" keeps
        them too: the whole image lies inside `resize_size`, and `pad_color` is added on both sides.
    filter : str
        One of `FILTERS`. "bicubic" by default.
    resize_size : (int, int) or None
        Width and height in pixels, at least those of `size`. None by default: `size`.
    pad_color : (int, int, int)
        RGB, from 0 to 255. Black by default.
    """

    size: tuple[int, int]
    fit: str = "stretch"
    filter: str = "bicubic"
    resize_size: tuple[int, int] | None = None
    pad_color: tuple[int, int, int] = (0, 0, 0)
