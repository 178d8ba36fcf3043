"""How an image of any proportions becomes pixels of one size."""

from __future__ import annotations

import math
from typing import NamedTuple

FITS = ("stretch", "crop", "pad")
ROUNDINGS = ("down", "even")


class Placement(NamedTuple):
    """Where the pixels of a fitted image come from, and where they lie.

    Attributes
    ----------
    scaled : (int, int)
        Width and height that the whole image is resized to.
    start : (int, int)
        Left and top of the part of the resized image that is kept.
    part : (int, int)
        Width and height of that part.
    offset : (int, int)
        Left and top of that part in the result. The rest of the result has the pad color.
    """

    scaled: tuple[int, int]
    start: tuple[int, int]
    part: tuple[int, int]
    offset: tuple[int, int]

    def box(self, whole: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of the part in the image, whose content has the edges `whole`."""
        (left, right), (top, bottom) = (self._range(axis, whole[axis], whole[axis + 2]) for axis in (0, 1))
        return left, top, right, bottom

    def _range(self, axis: int, start: float, stop: float) -> tuple[float, float]:
        scaled, first, n_kept = self.scaled[axis], self.start[axis], self.part[axis]
        if n_kept == scaled:
            return start, stop  # exactly, whatever is rounded below
        step = (stop - start) / scaled
        return start + first * step, start + (first + n_kept) * step


class Fitting(NamedTuple):
    """How an image of any proportions becomes pixels of one size.

    The image is resized, with antialiasing, for `resize_size`. Where the resized image is larger than `size`, its
    middle is cut out. Where it is smaller, `pad_color` is added on both sides.

    Attributes
    ----------
    size : (int, int)
        Width and height of the result in pixels.
    fit : {"stretch", "crop", "pad"}
        How the image is resized. "stretch", the default, gives it `resize_size` and changes its proportions. "crop"
        keeps them: the image covers `resize_size`. "pad" keeps them too: the whole image lies inside `resize_size`.
    filter : str
        One of `twoflow.images.FILTERS`. "bicubic" by default.
    resize_size : (int, int) or None
        Width and height in pixels. None by default: `size`.
    pad_color : (int, int, int)
        RGB, from 0 to 255. Black by default.
    rounding : {"down", "even"}
        What happens if the margin that is cut off is odd. "down", the default, cuts less off at the left and top than
        at the right and bottom, as transformers does. "even" rounds half of the margin to the nearest integer, and
        halves to the even one, as torchvision, timm and open_clip do.
    """

    size: tuple[int, int]
    fit: str = "stretch"
    filter: str = "bicubic"
    resize_size: tuple[int, int] | None = None
    pad_color: tuple[int, int, int] = (0, 0, 0)
    rounding: str = "down"

    @property
    def target(self) -> tuple[int, int]:
        """`resize_size`, or `size` if that is None."""
        return self.resize_size or self.size

    def scale(self, full_size: tuple[int, int]) -> tuple[int, int]:
        """Return the width and height that an image is resized to, at least 1.

        Parameters
        ----------
        full_size : (int, int)
            Width and height of the image.

        Notes
        -----
        A crop to a square rounds the longer side down, as transformers and torchvision do. All else rounds to the
        nearest integer, and halves to the even one, as timm's ``ResizeKeepRatio`` does.
        """
        width, height = self.target
        if self.fit == "stretch":
            return width, height
        if self.fit == "crop" and width == height:
            shorter = min(full_size)
            across, down = (int(width * side / shorter) for side in full_size)
            return across, down
        ratios = full_size[0] / width, full_size[1] / height
        ratio = min(ratios) if self.fit == "crop" else max(ratios)
        across, down = (max(1, round(side / ratio)) for side in full_size)
        return across, down

    def place(self, full_size: tuple[int, int]) -> Placement:
        """Return what is cut off an image of `full_size` (width, height), and what is added."""
        scaled = self.scale(full_size)
        margins = [have - want for have, want in zip(scaled, self.size)]
        across, down = (self._half(max(margin, 0)) for margin in margins)
        left, top = (max(-margin, 0) // 2 for margin in margins)
        width, height = map(min, scaled, self.size)
        return Placement(scaled, (across, down), (width, height), (left, top))

    def enlarged(self, factor: float) -> Fitting:
        """Return the same fitting to a size that is larger by a factor."""
        def enlarge(size: tuple[int, int]) -> tuple[int, int]:
            return round(factor * size[0]), round(factor * size[1])

        return self._replace(size=enlarge(self.size), resize_size=self.resize_size and enlarge(self.resize_size))

    def _half(self, margin: int) -> int:
        return math.floor(margin / 2) if self.rounding == "down" else round(margin / 2)
