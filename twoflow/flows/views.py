"""The views of an image that a network is shown: all of it, its mirror image, or parts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..images import Fitting, LoadedImage

#: Crops are cut from an image whose sides are 8/7 of theirs, so that each crop has 7/8 of the image's sides.
_ENLARGEMENT = 8 / 7


class View(NamedTuple):
    """One view of an image.

    `crop` says where the part lies, from (0, 0) at the top left to (1, 1) at the bottom right. None, the default, is
    the whole image.
    """

    crop: tuple[float, float] | None = None
    is_mirrored: bool = False

    def pixels(self, image: LoadedImage, fitting: Fitting) -> np.ndarray:
        """Return the view of an image, of the fitting's size: an array (height, width, 3) of dtype uint8."""
        if self.crop is None:
            whole = image.fitted(fitting)
            return whole[:, ::-1] if self.is_mirrored else whole
        width, height = fitting.size
        larger, (left, top) = self.place(fitting)
        return image.fitted(larger)[top:top + height, left:left + width]

    def place(self, fitting: Fitting) -> tuple[Fitting, tuple[int, int]]:
        """Return the fitting of the larger image that a crop is cut from, and the crop's left and top in it."""
        larger = fitting.enlarged(_ENLARGEMENT)
        shares = (0.0, 0.0) if self.crop is None else self.crop
        left, top = (int(share * (all_ - part)) for share, all_, part in zip(shares, larger.size, fitting.size))
        return larger, (left, top)

    @property
    def span(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Where the view's left and right, and its top and bottom, lie in what the views together show, from 0 to 1."""
        if self.crop is None:
            return (0.0, 1.0), (0.0, 1.0)
        part = 1 / _ENLARGEMENT
        across, down = ((share * (1 - part), share * (1 - part) + part) for share in self.crop)
        return across, down

    def turned_back(self, output: np.ndarray) -> np.ndarray:
        """Return a layer's output with its positions as they are in the image."""
        return output[:, :, ::-1] if self.is_mirrored and output.ndim == 3 else output


_WHOLE = View()

#: The views of each choice, by its name.
VIEWS: dict[str, tuple[View, ...]] = {
    "whole": (_WHOLE,),
    "mirror": (_WHOLE, View(is_mirrored=True)),
    "five-crop": tuple(View(crop) for crop in ((0, 0), (1, 0), (0, 1), (1, 1), (0.5, 0.5))),
}
