"""What a network is shown of an image: all of it, its mirror image, or parts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..images import LoadedImage

#: Five crops are cut from an image that is larger than they by 8/7, so that each is 7/8 of its sides.
_ENLARGEMENT = 8 / 7


class View(NamedTuple):
    """One of the images that a network is shown of one image.

    `crop` says where a part lies, from (0, 0) at the top left to (1, 1) at the bottom right; None is all.
    """

    crop: tuple[float, float] | None = None
    is_mirrored: bool = False

    def pixels(self, image: LoadedImage, size: tuple[int, int]) -> np.ndarray:
        """Of shape (height, width, 3) and dtype uint8, for `size` (width, height)."""
        if self.crop is None:
            whole = image.resized(size)
            return whole[:, ::-1] if self.is_mirrored else whole
        width, height = size
        larger = round(_ENLARGEMENT * width), round(_ENLARGEMENT * height)
        left, top = (int(share * (all_ - part)) for share, all_, part in zip(self.crop, larger, size))
        return image.resized(larger)[top:top + height, left:left + width]

    def turned_back(self, output: np.ndarray) -> np.ndarray:
        """A layer's output with its positions where they are in the image."""
        return output[:, :, ::-1] if self.is_mirrored and output.ndim == 3 else output


_WHOLE = View()

#: By the name of a choice, all that the network is shown.
VIEWS: dict[str, tuple[View, ...]] = {
    "whole": (_WHOLE,),
    "mirror": (_WHOLE, View(is_mirrored=True)),
    "five-crop": tuple(View(crop) for crop in ((0, 0), (1, 0), (0, 1), (1, 1), (0.5, 0.5))),
}
