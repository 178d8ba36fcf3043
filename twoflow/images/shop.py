"""Generate a demo shop: images of drawn products, to try things without a download."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from sklearn.utils import check_random_state

from .._files import expand
from ..errors import InputError
from .collection import ImageCollection

COLORS = {
    "black": (38, 36, 40),
    "white": (232, 230, 224),
    "red": (186, 36, 44),
    "orange": (222, 120, 40),
    "yellow": (226, 192, 62),
    "green": (52, 124, 72),
    "blue": (44, 84, 164),
    "purple": (116, 62, 140),
}
PATTERNS = ("plain", "rings", "stripes", "diagonal", "checks", "dots")

# Corners of the outlines in coordinates from -1 to 1, with y downwards, for a width w and a height h of about 1.
_OUTLINES = {
    "tee": lambda w, h: [
        (-.25*w, -.8), (-.5*w, -.75), (-.95*w, -.3), (-.7*w, -.1), (-.5*w, -.3), (-.5*w, .75*h),
        (.5*w, .75*h), (.5*w, -.3), (.7*w, -.1), (.95*w, -.3), (.5*w, -.75), (.25*w, -.8), (0, -.65),
    ],
    "dress": lambda w, h: [
        (-.3*w, -.9), (-.38*w, -.6), (-.25*w, -.2), (-.7*w, .9*h), (.7*w, .9*h), (.25*w, -.2), (.38*w, -.6),
        (.3*w, -.9), (.1*w, -.65), (-.1*w, -.65),
    ],
    "trousers": lambda w, h: [
        (-.42*w, -.9), (-.55*w, .9*h), (-.15*w, .9*h), (0, -.25), (.15*w, .9*h), (.55*w, .9*h), (.42*w, -.9),
    ],
    "boot": lambda w, h: [
        (-.4*w, -.85*h), (-.4*w, .75), (.85*w, .75), (.85*w, .45), (.45*w, .25), (.15*w, .05), (.15*w, -.85*h),
    ],
    "bag": lambda w, h: [
        (-.7*w, -.15), (-.4*w, -.2), (-.3*w, -.75*h), (.3*w, -.75*h), (.4*w, -.2), (.7*w, -.15), (.8*w, .75),
        (-.8*w, .75),
    ],
    "hat": lambda w, h: [
        (-.95*w, .4), (-.55*w, .25), (-.5*w, -.3*h), (-.2*w, -.6*h), (.2*w, -.6*h), (.5*w, -.3*h), (.55*w, .25),
        (.95*w, .4), (.9*w, .55), (-.9*w, .55),
    ],
    "skirt": lambda w, h: [(-.35*w, -.7), (.35*w, -.7), (.75*w, .75*h), (.3*w, .85*h), (-.3*w, .85*h), (-.75*w, .75*h)],
    "sneaker": lambda w, h: [
        (-.85*w, -.35*h), (-.85*w, .5), (.9*w, .5), (.9*w, .2), (.5*w, .05), (.1*w, -.3*h), (-.3*w, -.35*h),
        (-.5*w, -.15*h),
    ],
}
KINDS = tuple(_OUTLINES)


def make_shop(
    n_classes: int = 12,
    n_per_class: int = 40,
    *,
    image_size: tuple[int, int] = (160, 160),
    noise: float = 0.05,
    n_duplicates: int = 0,
    folder: str | os.PathLike | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> ImageCollection:
    """Draw a shop of look-alike products.

    A class is one model of a kind of product (tee, dress, boot, ...). Models of a kind differ in proportions, pattern
    and colors (two or three per model), with overlaps. Each photo has its own pose, light, background, sharpness and
    noise.

    Parameters
    ----------
    n_classes : int, default 12
        How many models. They are spread over at most eight kinds, with three or more models per kind if there are
        enough.
    n_per_class : int, default 40
        How many photos of each model.
    image_size : (int, int), default (160, 160)
        Width and height in pixels, at least 8 each.
    noise : float, default 0.05
        Standard deviation of the noise, where 1 is the range from black to white.
    n_duplicates : int, default 0
        How many near duplicates to add: copies of random photos, slightly cropped, brightened or darkened, and
        recompressed. A photo and its copies form one group. With 0, the collection has no groups.
    folder : path, optional
        Where to write the photos, as ``<kind>/<model>/<number>.jpg``, and a ``labels.csv`` (columns path, kind, class,
        color, group). Default: the images stay in memory as arrays.
    random_state : int, RandomState or None, default None
        The same seed draws the same shop, and a larger `n_per_class` keeps the first photos of each class. None draws
        another shop each time.

    Returns
    -------
    ImageCollection
        Labels are ``"kind/model"``; the columns are ``kind`` and ``color``.

    Raises
    ------
    ValueError
        If a number is out of its range or not an integer.

    Examples
    --------
    >>> shop = make_shop(n_classes=3, n_per_class=2, random_state=0)
    >>> shop
    ImageCollection(6 images, 3 classes)
    >>> shop.images[0].shape, shop.classes.tolist()
    ((160, 160, 3), ['tee/01', 'tee/02', 'tee/03'])
    """
    for name, value, least in (("n_classes", n_classes, 1), ("n_per_class", n_per_class, 1),
                               ("n_duplicates", n_duplicates, 0), ("image_size[0]", image_size[0], 8),
                               ("image_size[1]", image_size[1], 8)):
        if not isinstance(value, Integral) or value < least:
            raise InputError(f"{name}: expected an integer of at least {least}, got {value!r}")
    if not 0 <= noise <= 1:
        raise InputError(f"noise: expected a number between 0 and 1, got {noise!r}")
    folder = None if folder is None else expand(folder)
    seed = check_random_state(random_state).randint(2**31)
    models = [_draw_model(seed, number, n_classes) for number in range(n_classes)]
    n_items = n_classes * n_per_class
    originals = [*range(n_items), *_choose_originals(seed, n_items, n_duplicates)]
    labels = [models[original // n_per_class].label for original in originals]
    images: list[Any] = []
    colors = []
    counts = dict.fromkeys(labels, 0)
    for i, original in enumerate(originals):
        number, photo = divmod(original, n_per_class)
        rng = np.random.default_rng([seed, 1, number, photo])
        pixels, color = _photograph(models[number], rng, image_size, noise)
        if i >= n_items:
            pixels = _reupload(pixels, np.random.default_rng([seed, 2, i - n_items]))
        # Photos are written one by one, because a large shop may not fit into memory.
        images.append(pixels if folder is None else _save(pixels, folder / labels[i], counts[labels[i]]))
        counts[labels[i]] += 1
        colors.append(color)
    if folder is not None:
        _write_labels(folder, images, labels, colors, originals)
    return ImageCollection(
        images=images,
        labels=labels,
        groups=originals if n_duplicates else None,
        columns={"kind": [label.split("/")[0] for label in labels], "color": colors},
    )


@dataclass(frozen=True)
class _Model:
    """What all photos of one class share."""

    label: str
    outline: Sequence[tuple[float, float]]
    pattern: str
    period: float
    colors: Sequence[str]
    accent: str


def _draw_model(seed: int, number: int, n_classes: int) -> _Model:
    rng = np.random.default_rng([seed, 0, number])
    n_kinds = min(len(KINDS), -(-n_classes // 3))
    kind = KINDS[number % n_kinds]
    return _Model(
        label=f"{kind}/{number // n_kinds + 1:02d}",
        outline=_OUTLINES[kind](rng.uniform(0.8, 1.1), rng.uniform(0.7, 1.1)),
        pattern=str(rng.choice(PATTERNS)),
        period=rng.uniform(0.15, 0.4),
        colors=[str(color) for color in rng.choice(list(COLORS), size=rng.integers(2, 4), replace=False)],
        accent=str(rng.choice(list(COLORS))),
    )


def _photograph(
    model: _Model, rng: np.random.Generator, image_size: tuple[int, int], noise: float
) -> tuple[np.ndarray, str]:
    """Draw one photo of a model; return it (shape (height, width, 3), dtype uint8) and the name of its color."""
    width, height = (2 * side for side in image_size)  # drawn at twice the size, then reduced, for smooth edges
    pose = _pose(rng, width, height)
    corners = np.array(model.outline) @ pose[:, :2].T + pose[:, 2]
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).polygon([tuple(corner) for corner in corners], fill=255)
    inside = np.asarray(mask.reduce(2), dtype=np.float32)[:, :, None] / 255

    color = str(rng.choice(model.colors))
    main = np.array(COLORS[color]) / 255 + rng.normal(0, 0.04, 3)
    accent = np.array(COLORS[model.accent]) / 255 + rng.normal(0, 0.04, 3)
    y, x = np.mgrid[0:height:2, 0:width:2] + 0.5
    u, v = np.tensordot(np.linalg.inv(pose[:, :2]), np.stack([x - pose[0, 2], y - pose[1, 2]]), axes=1)
    share = _pattern(model.pattern, u / model.period, v / model.period)[:, :, None]
    product = main * (1 - 0.6 * share) + accent * 0.6 * share
    product = product * (1 + 0.15 * np.cos(2 * u + rng.uniform(-1, 1)))[:, :, None]  # shading, as of folds

    background = _background(rng, u.shape)
    photo = background * (1 - inside) + product * inside
    photo = photo * rng.uniform(0.75, 1.15) + rng.normal(0, noise, photo.shape)
    image = Image.fromarray((photo.clip(0, 1) * 255).astype(np.uint8))
    if rng.random() < 0.3:  # a blurred photo
        small = (max(1, image.width * 2 // 5), max(1, image.height * 2 // 5))
        image = image.resize(small).resize(image.size)
    return np.asarray(image), color


def _pose(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Draw a random 2 x 3 matrix from outline coordinates to pixels: rotation, shear, mirroring, scale, position."""
    angle, lean = rng.normal(0, 0.15), rng.normal(0, 0.1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    scale = rng.uniform(0.3, 0.45) * min(width, height)
    matrix = scale * turn @ np.array([[rng.choice([-1, 1]), lean], [0, 1]])
    place = np.array([width, height]) * (0.5 + rng.uniform(-0.08, 0.08, 2))
    return np.column_stack([matrix, place])


def _pattern(name: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Compute the share of the accent color (0 to 1) at coordinates given in periods of the pattern."""
    if name == "plain":
        return np.zeros_like(u)
    if name == "dots":
        return ((u % 1 - 0.5) ** 2 + (v % 1 - 0.5) ** 2 < 0.09).astype(float)
    if name == "checks":
        return ((u % 1 < 0.5) ^ (v % 1 < 0.5)).astype(float)
    along = {"rings": v, "stripes": u, "diagonal": u + v}[name]
    return (along % 1 < 0.4).astype(float)


def _background(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw a studio wall, a gradient, or a room with a floor, each with or without clutter."""
    shades = rng.uniform(0.35, 1, (2, 3)) if rng.random() < 0.4 else rng.uniform(0.75, 1, (2, 1)) * np.ones(3)
    fade = np.linspace(0, 1, shape[0])[:, None, None]
    if rng.random() < 0.4:
        fade = (fade > rng.uniform(0.5, 0.8)).astype(float)
    background = np.broadcast_to(shades[0] * (1 - fade) + shades[1] * fade, (*shape, 3)).copy()
    for _ in range(rng.integers(0, 4)):
        top, left = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        bottom, right = top + rng.integers(1, shape[0] // 3 + 2), left + rng.integers(1, shape[1] // 3 + 2)
        background[top:bottom, left:right] = rng.uniform(0.2, 1, 3)
    return background


def _choose_originals(seed: int, n_items: int, n_duplicates: int) -> list[int]:
    return np.random.default_rng([seed, 3]).integers(0, n_items, n_duplicates).tolist()


def _reupload(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make a near duplicate, as if the photo were edited and uploaded again."""
    image = Image.fromarray(pixels)
    left, top, right, bottom = rng.uniform(0, 0.03, 4) * [*image.size, *image.size]
    image = image.resize(image.size, box=(left, top, image.width - right, image.height - bottom))
    image = image.point(lambda value, gain=rng.uniform(0.95, 1.05): value * gain)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(rng.integers(60, 90)))
    return np.asarray(Image.open(file))


def _save(pixels: np.ndarray, folder: Path, number: int) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number + 1:04d}.jpg"
    Image.fromarray(pixels).save(path, quality=92)
    return str(path)


def _write_labels(
    folder: Path, paths: list[str], labels: list[str], colors: list[str], originals: list[int]
) -> None:
    with open(folder / "labels.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "kind", "class", "color", "group"])
        for path, label, color, original in zip(paths, labels, colors, originals):
            relative = Path(path).relative_to(folder).as_posix()
            writer.writerow([relative, label.split("/")[0], label, color, original])
