"""How an image of any proportions becomes the pixels that a network takes."""

from __future__ import annotations

import math
from typing import NamedTuple

FITS = ("stretch", "crop", "pad", "area")
#: With "area", the sides of the result are multiples of this, and one is at most so many times as long as the other.
SIDE_STEP, MOST_RATIO = 32, 4.0
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
    """How an image of any proportions becomes pixels of one size, or of as many pixels.

    The image is resized, with antialiasing, for `resize_size`. Where the resized image is larger than `size`, its
    middle is cut out. Where it is smaller, `pad_color` is added on both sides.

    Attributes
    ----------
    size : (int, int)
        Width and height of the result in pixels.
    fit : {"stretch", "crop", "pad", "area"}
        How the image is resized. "stretch", the default, gives it `resize_size` and changes its proportions. "crop"
        keeps them: the image covers `resize_size`. "pad" keeps them too: the whole image lies inside `resize_size`.
        "area" keeps them as far as it can: the result has about as many pixels as `size`, its sides are multiples of
        32, and none is more than four times as long as the other. So its size depends on the image; see `size_of`.
    filter : str
        One of `twoflow.images.FILTERS`. "bicubic" by default.
    resize_size : (int, int) or None
        Width and height in pixels. None by default: `size`. It has no effect with "area".
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
        if self.fit == "area":
            return self._of_area(full_size)
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

    def size_of(self, full_size: tuple[int, int]) -> tuple[int, int]:
        """Return width and height of the result for an image of `full_size`: `size`, unless the fit is "area"."""
        return self._of_area(full_size) if self.fit == "area" else self.size

    def place(self, full_size: tuple[int, int]) -> Placement:
        """Return what is cut off an image of `full_size` (width, height), and what is added."""
        scaled = self.scale(full_size)
        if self.fit == "area":
            return Placement(scaled, (0, 0), scaled, (0, 0))
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

    def _of_area(self, full_size: tuple[int, int]) -> tuple[int, int]:
        width, height = self.size
        ratio = min(max(full_size[0] / full_size[1], 1 / MOST_RATIO), MOST_RATIO)
        sides = math.sqrt(width * height * ratio), math.sqrt(width * height / ratio)
        across, down = (max(1, round(side / SIDE_STEP)) * SIDE_STEP for side in sides)
        return across, down

    def _half(self, margin: int) -> int:
        return math.floor(margin / 2) if self.rounding == "down" else round(margin / 2)
