"""The card of a pretrained network: what must be known about it to run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..images import Fitting

#: One number for all channels, or one for each of the three.
PerChannel = float | tuple[float, float, float]


class Layer(NamedTuple):
    """A named output of a network.

    Attributes
    ----------
    width : int
        How many channels it has.
    is_map : bool
        True if each channel is a map over positions, False if it is one number.
    positions : (int, int) or None
        Rows and columns of a map. None by default: it is no map, or only the network's files say how many there are.
    """

    width: int
    is_map: bool
    positions: tuple[int, int] | None = None


@dataclass(frozen=True)
class NetworkCard:
    """Describe a pretrained network as data, from which its preprocessing follows.

    Attributes
    ----------
    name : str
        The name of the network, or of its file.
    license : str
        SPDX identifier of the license of the weights, or "unknown".
    source : str
        Where the weights come from.
    input_size : (int, int)
        Width and height in pixels.
    channels : {"RGB", "BGR"}
        The order of the channels that the network takes.
    mean, scale : float or tuple of three floats
        A value from 0 to 255 enters the network as ``(value - mean) / scale``. Three floats are one for each channel,
        in the order of `channels`.
    layers : mapping of str to Layer
        By name, in the order from the input to the output.
    embedding : str or None
        The layer that is the image's embedding: a vector, and a key of `layers`. None: the files show none.
    stages : tuple of str
        The maps that are worth comparing with the embedding, in the order from the input to the output. Empty by
        default: nobody has chosen any.
    fit : {"stretch", "crop", "pad", "area"}
        How an image of other proportions gets the input size; see `twoflow.images.Fitting`. "stretch" by default.
    filter : str
        The filter that resizes it, a key of `twoflow.images.FILTERS`. "bicubic" by default.
    resize_size : (int, int) or None
        Width and height that the image is resized to before the middle is cut out. None by default: `input_size`.
    pad_color : (int, int, int)
        RGB of what ``fit="pad"`` adds. Black by default.
    rounding : {"down", "even"}
        What happens if the margin around the middle is odd; see `twoflow.images.Fitting`. "down" by default.
    any_size : bool
        Whether the network takes images of any size, and small details are better seen in larger ones. False by
        default: only `input_size` is known to suit it. Such a network also takes images of different sizes, for
        ``fit="area"``.
    trained_on : str
        The images that the network was trained on, if twoflow trained it; see `trained_on.write_digests`. Empty by
        default: nothing is known of them.
    reasons : mapping of str to str
        What was concluded from the files and why, for `twoflow networks`: "embedding", "stages" and the like. Empty by
        default.
    """

    name: str
    license: str
    source: str
    input_size: tuple[int, int]
    channels: str
    mean: PerChannel
    scale: PerChannel
    layers: Mapping[str, Layer]
    embedding: str | None
    stages: tuple[str, ...] = ()
    fit: str = "stretch"
    filter: str = "bicubic"
    resize_size: tuple[int, int] | None = None
    pad_color: tuple[int, int, int] = (0, 0, 0)
    rounding: str = "down"
    any_size: bool = False
    trained_on: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def varies(self) -> bool:
        """Whether the size in which an image enters depends on the image. `input_size` then says how many pixels."""
        return self.fit == "area"

    @property
    def fitting(self) -> Fitting:
        """How the pixels of an image become those that `preprocess` takes."""
        return Fitting(self.input_size, self.fit, self.filter, self.resize_size, self.pad_color, self.rounding)

    def preprocess(self, pixels: np.ndarray) -> np.ndarray:
        """Convert an image to the network's input.

        Parameters
        ----------
        pixels : ndarray of shape (height, width, 3) and dtype uint8
            RGB, of the size that `fitting` gives it.

        Returns
        -------
        ndarray of shape (1, 3, height, width) and dtype float32
        """
        if self.channels == "BGR":
            pixels = pixels[:, :, ::-1]
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32)
        planes -= np.reshape(self.mean, (-1, 1, 1)).astype(np.float32)
        planes /= np.reshape(self.scale, (-1, 1, 1)).astype(np.float32)
        return planes[None]
