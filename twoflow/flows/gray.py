"""Brightness, for the flows that do not look at color."""

from __future__ import annotations

import numpy as np
from PIL import Image


def to_gray(pixels: np.ndarray) -> np.ndarray:
    """The luma of ITU-R BT.601 of an RGB image: shape (height, width, 3) to (height, width), both uint8."""
    return np.asarray(Image.fromarray(pixels).convert("L"))
