"""The map of an explanation as a transparent image that lies over its photo."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

#: Okabe and Ito's vermilion and blue, which color-blind readers can distinguish: what spoke for the class, and against.
FOR, AGAINST = (213, 94, 0), (0, 114, 178)
#: What texts call these two colors.
FOR_WORD, AGAINST_WORD = "orange", "blue"

_OPAQUE = 0.8  # opacity of the strongest place; the photo must still be seen there
_STEPS = 60  # of each color
_SIDE = 320  # pixels of the longer side, unless a size is asked for


def strongest(places: np.ndarray) -> float:
    """Return the end of the scale of a map: its largest contribution, for or against; 0 lies in the middle."""
    return float(np.abs(places).max(initial=0.0))


def overlay(places: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """Color a map.

    The color says whether a place spoke for the class or against it, and the opacity says how strongly, in proportion.
    A place that contributes nothing is transparent. Between the centers of two places the contribution is interpolated.

    Parameters
    ----------
    places : ndarray of shape (rows, columns)
        Signed contributions.
    size : (int, int)
        Width and height of the photo. The overlay has its shape; its longer side is at most 320 pixels.

    Returns
    -------
    PIL.Image.Image
        With a palette and opacities, so that it is small as a PNG.
    """
    shrink = min(1.0, _SIDE / max(size))
    width, height = (max(1, round(side * shrink)) for side in size)
    scale = strongest(places) or 1.0
    smooth = Image.fromarray((places / scale).astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    steps = np.clip(np.rint(np.asarray(smooth) * _STEPS), -_STEPS, _STEPS)
    image = Image.fromarray((steps + _STEPS).astype(np.uint8), mode="P")
    image.putpalette([*(AGAINST * _STEPS), *(FOR * (_STEPS + 1))])
    opacity = np.abs(np.arange(-_STEPS, _STEPS + 1)) / _STEPS * _OPAQUE
    image.info["transparency"] = np.rint(255 * opacity).astype(np.uint8).tobytes()
    return image


def overlay_png(places: np.ndarray, size: tuple[int, int]) -> bytes:
    """Write the overlay as a PNG; see `overlay`."""
    return _png(overlay(places, size))


def blend(photo: np.ndarray, places: np.ndarray | None) -> Image.Image:
    """Lay a map over its photo; the photo alone if there is no map.

    Parameters
    ----------
    photo : ndarray of shape (height, width, 3), dtype uint8
    places : ndarray of shape (rows, columns), or None
    """
    image = Image.fromarray(photo)
    if places is None:
        return image
    above = overlay(places, image.size).convert("RGBA").resize(image.size, Image.Resampling.BILINEAR)
    return Image.alpha_composite(image.convert("RGBA"), above).convert("RGB")


def blended_png(photo: np.ndarray, places: np.ndarray | None) -> bytes:
    """Write a photo with its map as a PNG; see `blend`."""
    return _png(blend(photo, places))


def _png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG", optimize=False)
    return content.getvalue()
