"""Read images as the bytes that enter a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..flows import RawPixels
from ..flows.engine.extraction import extract
from ..images import Fitting, LoadedImage
from ..images.reading import Source


class _FittedBytes(RawPixels):
    """The pixels of an image with one fitting, as bytes from 0 to 255."""

    features_dtype = np.uint8
    fitting: Fitting

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return image.fitted(self.fitting).ravel()


def read_fitted_pixels(
    images: Sequence[Source], fitting: Fitting, n_jobs: int | None = None, verbose: bool = False
) -> np.ndarray:
    """Decode images and fit each to one size.

    Parameters
    ----------
    images : sequence of n images
    fitting : Fitting
    n_jobs, verbose
        See `Flow`.

    Returns
    -------
    ndarray of shape (n, height, width, 3) and dtype uint8

    Raises
    ------
    ImageReadError
        For the first image that cannot be read.
    ValueError
        If the memory is too small for all of them.
    """
    flow = _FittedBytes(fitting.size, n_jobs=n_jobs, verbose=verbose)
    flow.fitting = fitting
    width, height = fitting.size
    try:
        return extract(flow, images, name="pixels").features.reshape(len(images), height, width, 3)
    except MemoryError as error:
        size = f"{len(images) * width * height * 3 / 2**30:.1f} GiB"
        raise InputError(
            f"expected {size} of memory for the pixels of {len(images)} images of {width} x {height}, got less; train "
            "on fewer images, or set smaller images to learn from"
        ) from error
