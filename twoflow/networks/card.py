"""What one has to know of a pretrained network to use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

#: One number for all channels, or one for each of the three.
PerChannel = float | tuple[float, float, float]


class Layer(NamedTuple):
    """A named output of a network: `width` channels, as a map over positions or already as one vector.

    `positions` are the rows and columns of a map; None where only the network's files say how many.
    """

    width: int
    is_map: bool
    positions: tuple[int, int] | None = None


@dataclass(frozen=True)
class NetworkCard:
    """A pretrained network as data; preprocessing follows from it.

    Attributes
    ----------
    name : str
    license : str
        SPDX identifier of the license of the weights.
    source : str
        Where the weights come from.
    input_size : (int, int)
        Width and height in pixels.
    channels : {"RGB", "BGR"}
    mean, scale : float or three of them
        A value from 0 to 255 enters the network as ``(value - mean) / scale``; three stand for the channels, in the
        order of `channels`.
    layers : mapping of str to Layer
        From the input to the output.
    stages : tuple of str
        The maps worth comparing with the embedding, from the input to the output; where nobody has chosen, none.
    """

    name: str
    license: str
    source: str
    input_size: tuple[int, int]
    channels: str
    mean: PerChannel
    scale: PerChannel
    layers: Mapping[str, Layer]
    stages: tuple[str, ...] = ()

    def preprocess(self, pixels: np.ndarray) -> np.ndarray:
        """RGB pixels of shape (height, width, 3) and dtype uint8 as float32 input of shape (1, 3, height, width)."""
        if self.channels == "BGR":
            pixels = pixels[:, :, ::-1]
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32)
        planes -= np.reshape(self.mean, (-1, 1, 1)).astype(np.float32)
        planes /= np.reshape(self.scale, (-1, 1, 1)).astype(np.float32)
        return planes[None]
