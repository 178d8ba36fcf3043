"""Read the images that the ranges of 8-bit integers are taken from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..images import Fitting, LoadedImage
from ..images.reading import Source, warn_unreadable
from .engine.extraction import extract
from .pixels import RawPixels

_N_IMAGES = 100


def read_sample(images: Sequence[Source], fitting: Fitting, *, n_jobs: int | None, on_error: str) -> np.ndarray:
    """Read images from all over a collection as they enter a network.

    Parameters
    ----------
    images : sequence of n images
    fitting : Fitting
        How the images get the network's size.
    n_jobs, on_error
        See `Flow`.

    Returns
    -------
    ndarray of shape (n_read, height, width, 3) and dtype uint8
        At most 100 images. Those that cannot be read are left out, with a warning, if `on_error` is "nan".

    Raises
    ------
    ImageReadError
        For the first image that cannot be read, if `on_error` is "raise".
    ValueError
        If none of the images can be read.
    """
    positions = np.unique(np.linspace(0, len(images) - 1, _N_IMAGES).round().astype(int)).tolist()
    reader = _FittedPixels(fitting.size, n_jobs=n_jobs, on_error=on_error)
    reader.fitting = fitting
    features, errors, *_ = extract(reader, images, positions)
    if errors:
        warn_unreadable([error for _, error in errors], len(positions), "left out of the calibration")
    read = features[~np.isnan(features[:, 0])]
    if not len(read):
        raise InputError(f"none of the {len(positions)} images to quantize with can be read")
    return reader.pack(read).reshape(-1, *fitting.size[::-1], 3)


class _FittedPixels(RawPixels):
    """The pixels of an image with one fitting, of whose size they are."""

    fitting: Fitting

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return self.unpack(image.fitted(self.fitting).ravel())
