"""The flow that finds duplicates: a small copy of each image, and facts about its file."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..images import LoadedImage
from ..images.color import COLOR_PROFILES
from ..images.reading import FORMATS
from .base import Flow

SIDE = 64  # of the small copy, in pixels
_N_PIXELS, _N_DIGEST, _N_MEASURES = SIDE * SIDE, 16, 4
_PLACES = np.array([2**16, 2**8, 1], np.float32)  # of red, green and blue in one number, which float32 holds exactly


class ImageTraits(Flow):
    """Take the traits of an image: a small copy, its digest, its size, and the format and color profile of its file.

    Traits cost little beside a network's pass, because the image is decoded for that already. They are not meant to be
    learned from. `read_traits` takes their columns apart.

    Parameters
    ----------
    n_jobs, on_error, verbose, store
        See `Flow`.
    """

    feature_prefix = "traits"

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        traits = np.empty(self.n_features_out, np.float32)
        traits[:_N_PIXELS] = image.resized((SIDE, SIDE)).reshape(-1, 3) @ _PLACES
        traits[_N_PIXELS:-_N_MEASURES] = np.frombuffer(image.digest, np.uint8)
        kind = FORMATS.index(image.format) if image.format in FORMATS else -1
        traits[-_N_MEASURES:] = [*image.size, kind, COLOR_PROFILES.index(image.color_profile)]
        return traits

    def pack(self, features: np.ndarray) -> np.ndarray:
        """Keep each channel and each byte of the digest in one byte, and each measure in four."""
        colors = _colors(features[:, :_N_PIXELS]).reshape(-1, 3 * _N_PIXELS)
        digests = features[:, _N_PIXELS:-_N_MEASURES].astype(np.uint8)
        return np.hstack([colors, digests, features[:, -_N_MEASURES:].astype("<f4", order="C").view(np.uint8)])

    def unpack(self, packed: np.ndarray) -> np.ndarray:
        pixels, digests, measures = np.split(packed, [3 * _N_PIXELS, 3 * _N_PIXELS + _N_DIGEST], axis=1)
        numbers = pixels.reshape(-1, _N_PIXELS, 3) @ _PLACES
        return np.hstack([numbers, digests.astype(np.float32), np.ascontiguousarray(measures).view("<f4")])

    @property
    def n_features_out(self) -> int:
        return _N_PIXELS + _N_DIGEST + _N_MEASURES


class TraitTable(NamedTuple):
    """The columns of `ImageTraits`, for the images that can be read.

    Attributes
    ----------
    positions : ndarray of shape (m,)
        Which images these are.
    pixels : ndarray of shape (m, 64, 64, 3) and dtype uint8
        The small copies, stretched to a square.
    digests : ndarray of shape (m,) and dtype V16
        Equal for images of equal content.
    sizes : ndarray of shape (m, 2) and dtype int
        Width and height of the images themselves.
    formats : ndarray of shape (m,) and dtype int
        Positions in `FORMATS`; -1 for an image that is not a file.
    color_profiles : ndarray of shape (m,) and dtype int
        Positions in `COLOR_PROFILES`.
    """

    positions: np.ndarray
    pixels: np.ndarray
    digests: np.ndarray
    sizes: np.ndarray
    formats: np.ndarray
    color_profiles: np.ndarray

    def with_profile(self, state: str) -> np.ndarray:
        """Return the positions of the images whose color profile is in this state, one of `COLOR_PROFILES`."""
        return self.positions[self.color_profiles == COLOR_PROFILES.index(state)]


def read_traits(features: np.ndarray) -> TraitTable:
    """Take the columns of a table of traits apart; rows of NaN are images that cannot be read."""
    positions = np.flatnonzero(~np.isnan(features[:, 0]))
    pixels = np.empty((len(positions), _N_PIXELS, 3), np.uint8)
    for row, position in enumerate(positions):  # row by row, because all at once would hold the table twice
        pixels[row] = _colors(features[position, :_N_PIXELS])
    digests = features[positions, _N_PIXELS:-_N_MEASURES].astype(np.uint8)
    measures = features[positions, -_N_MEASURES:]
    return TraitTable(
        positions=positions,
        pixels=pixels.reshape(-1, SIDE, SIDE, 3),
        digests=np.ascontiguousarray(digests).view(f"V{_N_DIGEST}").ravel(),
        sizes=measures[:, :2].astype(int),
        formats=measures[:, 2].astype(int),
        color_profiles=measures[:, 3].astype(int),
    )


def _colors(numbers: np.ndarray) -> np.ndarray:
    return (numbers.astype(np.uint32)[..., None] >> np.array([16, 8, 0], np.uint32)).astype(np.uint8)
