"""Brightness, for flows that do not look at color."""

from __future__ import annotations

import numpy as np
from PIL import Image


def to_gray(pixels: np.ndarray) -> np.ndarray:
    """Turn RGB pixels of shape (height, width, 3) into the luma of ITU-R BT.601, (height, width), both uint8."""
    return np.asarray(Image.fromarray(pixels).convert("L"))
