"""Generate photographs of 640 x 480 with the detail of real ones, in files that all differ."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from twoflow import ImageCollection

from .floors import spread

SIZE = (640, 480)
#: JPEG quality. It gives files of 60 to 90 kB, 1.5 to 2.5 bits a pixel, as cameras and shops write them.
_QUALITY = 90
_MARGIN = 64  # pixels by which a scene is larger than its photographs
#: Strength of detail by its size, given as cells across a scene: finer detail is weaker, as in nature.
_DETAIL = {6: 40, 22: 22, 88: 10, 264: 5}
_N_SHAPES = 12
_GRAIN = 3.0  # standard deviation of the sensor's noise, in gray levels
_COMMENT = b"\xff\xfe"  # marks a comment in JPEG; it is inserted behind the first two bytes of the file
_START = 2


def photos(folder: Path, n: int, n_classes: int = 32, n_drawn: int = 256, jobs: int = 1) -> ImageCollection:
    """Generate photographs as JPEG files, unless they exist.

    Parameters
    ----------
    folder : Path
        Folder to keep them in.
    n : int
        Number of photographs.
    n_classes : int
        Number of scenes; each is a class. Default: 32.
    n_drawn : int
        Number of photographs that look different. The others repeat them in files that differ by a comment, and cost
        as much to read and decode. Default: 256.
    jobs : int
        Threads that generate them. Default: 1.

    Returns
    -------
    ImageCollection
        The photographs and the names of their scenes.
    """
    folder = folder / f"{n_classes}-scenes-{n_drawn}-drawn"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:06d}.jpg" for i in range(n)]
    spread(partial(_draw, n_classes=n_classes), [path for path in paths[:n_drawn] if not path.exists()], jobs)
    for i in range(n_drawn, n):
        if not paths[i].exists():
            _write(paths[i], _with_comment(paths[i % n_drawn].read_bytes(), str(i).encode()))
    labels = [f"scene{i % n_drawn % n_classes:03d}" for i in range(n)]
    return ImageCollection([str(path) for path in paths], labels)


def _draw(path: Path, n_classes: int) -> None:
    """Draw a photograph: a part of its scene, perhaps mirrored, lighter or darker, with grain."""
    number = int(path.stem)
    rng = np.random.default_rng([1, number])
    left, top = rng.integers(0, _MARGIN, 2)
    window = np.s_[top:top + SIZE[1], left:left + SIZE[0]]
    pixels = _scene(number % n_classes)[window][:, ::rng.choice([-1, 1])] * np.float32(rng.uniform(0.75, 1.15))
    left, top = rng.integers(0, _MARGIN, 2)
    pixels += _grain()[top:top + SIZE[1], left:left + SIZE[0]]
    drawn = path.with_suffix(".drawn")
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(drawn, "JPEG", quality=_QUALITY)
    drawn.replace(path)  # an interrupted run leaves no half file


@lru_cache(maxsize=None)
def _scene(number: int) -> np.ndarray:
    """Draw a scene, uint8: detail of every size in similar colors, with shapes on it."""
    rng = np.random.default_rng([0, number])
    width, height = (side + _MARGIN for side in SIZE)
    tint = rng.normal(0, 0.3, 3)
    pixels = np.empty((height, width, 3), np.float32)
    for channel in range(3):
        pixels[:, :, channel] = rng.uniform(90, 170)
    for cells, strength in _DETAIL.items():
        light = rng.normal(0, strength, (cells * height // width + 1, cells)).astype(np.float32)
        large = np.asarray(Image.fromarray(light).resize((width, height), Image.Resampling.BICUBIC))
        pixels += large[:, :, None] * (1 + tint).astype(np.float32)
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(_N_SHAPES):
        center, radii = rng.uniform(0, 1, 2) * image.size, rng.uniform(20, 160, 2)
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
        corners = center + radii * np.column_stack([np.cos(angles), np.sin(angles)])
        draw.polygon([tuple(corner) for corner in corners], fill=tuple(rng.integers(0, 256, 3).tolist()))
    return np.asarray(image)


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    shape = (SIZE[1] + _MARGIN, SIZE[0] + _MARGIN, 3)
    return np.random.default_rng(2).normal(0, _GRAIN, shape).astype(np.float32)


def _with_comment(jpeg: bytes, comment: bytes) -> bytes:
    length = len(comment) + 2  # includes its own two bytes
    return jpeg[:_START] + _COMMENT + length.to_bytes(2, "big") + comment + jpeg[_START:]


def _write(path: Path, content: bytes) -> None:
    path.with_suffix(".drawn").write_bytes(content)
    path.with_suffix(".drawn").replace(path)
