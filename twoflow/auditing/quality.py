"""Find images that may be unusable for training."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from ..flows.image_traits import TraitTable
from ..images.reading import FORMATS, Source, describe

_LEAST_SIDE = 64  # pixels; enlarged to the 224 of a network, eleven of twelve pixels are interpolated
_MOST_STRETCH = 4.0  # longer side / shorter side
_LEAST_SPREAD = 3.0  # standard deviation of the most varied color channel, of 255
_OUTLIER = 3.5  # robust standard deviations (Iglewicz & Hoaglin: How to Detect and Handle Outliers, 1993)
_LEAST_DEVIATION = 0.2  # of log(sharpness), in case all images are equally sharp

#: The format that each file ending promises; other endings promise none.
_ENDINGS = {
    ".avif": "AVIF", ".bmp": "BMP", ".gif": "GIF", ".heic": "HEIF", ".heif": "HEIF", ".jfif": "JPEG",
    ".jp2": "JPEG2000", ".jpe": "JPEG", ".jpeg": "JPEG", ".jpg": "JPEG", ".pbm": "PPM", ".pgm": "PPM", ".png": "PNG",
    ".ppm": "PPM", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP",
}

#: The kinds of faults, in the order of the report, and what each means.
FAULTS = {
    "one color": f"every color varies by less than {_LEAST_SPREAD:.0f} of 255",
    "tiny": f"the shorter side has less than {_LEAST_SIDE} pixels",
    "long": f"one side is more than {_MOST_STRETCH:.0f} times the other",
    "blurred": "far less sharp than the others",
    "wrong ending": "the file has another format than its name says",
    "color profile": "it is damaged and was ignored, so colors may be wrong",
}


@dataclass(frozen=True)
class Fault:
    """A fault of one image.

    Attributes
    ----------
    position : int
        Position of the image.
    kind : str
        Kind of the fault, a key of `FAULTS`.
    value : float
        How bad it is, in the unit of the kind. The worst of a kind come first.
    reason : str
        The fault in words.
    """

    position: int
    kind: str
    value: float
    reason: str


def find_faults(images: Sequence[Source], traits: TraitTable, sharpness: np.ndarray) -> tuple[Fault, ...]:
    """Find faults of images; `FAULTS` lists the kinds.

    Parameters
    ----------
    images : sequence of n images
        All images.
    traits : TraitTable
        Traits of the m readable images.
    sharpness : ndarray of shape (m,)
        The feature `Sharpness` of the same images.

    Returns
    -------
    tuple of Fault
        By kind, in the order of `FAULTS`; the worst of each kind first.

    Notes
    -----
    An image is blurred relative to the others: the logarithm of its sharpness is more than 3.5 robust standard
    deviations (1.4826 times the median absolute deviation) below the median. Images that are tiny or of one color
    neither count for the median nor are called blurred.
    """
    spread = traits.pixels.std(axis=(1, 2), dtype=np.float32).max(axis=1)
    shorter, longer = traits.sizes.min(axis=1), traits.sizes.max(axis=1)
    stretch = longer / shorter
    is_flat, is_tiny = spread < _LEAST_SPREAD, shorter < _LEAST_SIDE
    found = [
        *_listed("one color", is_flat, spread, traits, "every color varies by {:.1f} of 255 at most"),
        *_listed("tiny", is_tiny, shorter, traits, "{2} x {3} pixels"),
        *_listed("long", stretch > _MOST_STRETCH, -stretch, traits, "{2} x {3} pixels, {1:.1f} to 1"),
        *_blurred(traits, sharpness, ~is_flat & ~is_tiny),
        *_wrong_endings(images, traits),
        *(Fault(int(at), "color profile", 1.0, "damaged color profile") for at in traits.with_profile("damaged")),
    ]
    return tuple(found)


def _listed(
    kind: str, is_faulty: np.ndarray, badness: np.ndarray, traits: TraitTable, reason: str
) -> Iterator[Fault]:
    """Yield the faults of one kind, the lowest value of `badness` first."""
    rows = np.flatnonzero(is_faulty)
    for row in rows[np.argsort(badness[rows], kind="stable")]:
        value = float(badness[row])
        text = reason.format(value, -value, *traits.sizes[row].tolist())
        yield Fault(int(traits.positions[row]), kind, abs(value), text)


def _blurred(traits: TraitTable, sharpness: np.ndarray, is_judged: np.ndarray) -> Iterator[Fault]:
    if not is_judged.any():
        return
    logarithm = np.log(np.maximum(sharpness, 1e-9))
    middle = np.median(logarithm[is_judged])
    deviation = max(1.4826 * float(np.median(np.abs(logarithm[is_judged] - middle))), _LEAST_DEVIATION)
    is_blurred = is_judged & (logarithm < middle - _OUTLIER * deviation)
    reason = "sharpness {:.4f}, of all images " + f"{np.exp(middle):.4f}"
    yield from _listed("blurred", is_blurred, sharpness, traits, reason)


def _wrong_endings(images: Sequence[Source], traits: TraitTable) -> Iterator[Fault]:
    for position, kind in zip(traits.positions.tolist(), traits.formats.tolist()):
        source = images[position]
        if kind < 0 or not isinstance(source, (str, os.PathLike)):
            continue
        ending = PurePath(describe(source).split("?")[0]).suffix.lower()
        expected = _ENDINGS.get(ending, FORMATS[kind])
        if expected != FORMATS[kind]:
            yield Fault(position, "wrong ending", 1.0, f"{FORMATS[kind]}, named {ending}")
