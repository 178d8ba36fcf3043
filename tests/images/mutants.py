"""Make undamaged image files of every format, and random mutations of them by seed."""

import io
import random
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
from PIL import Image

from twoflow.images.color import ADOBE_RGB, matrix_profile
from twoflow.images.formats import has_heif

_INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def _photo(mode: str = "RGB") -> Image.Image:
    y, x = np.mgrid[0:48, 0:64]
    pixels = np.stack([x * 4, y * 5, 128 + 60 * np.sin(x / 5 + y / 7)], axis=2).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def _saved(image: Image.Image, kind: str, **options) -> Callable[[], bytes]:
    def save() -> bytes:
        exif = Image.Exif()
        exif[0x0112] = 6
        described = {"icc_profile": matrix_profile(ADOBE_RGB), "exif": exif}
        if kind in ("BMP", "PPM", "GIF", "JPEG2000"):
            described = {}
        file = io.BytesIO()
        image.save(file, kind, **described, **options)
        return file.getvalue()

    return save


#: The functions that make undamaged files, by name.
SEEDS: Mapping[str, Callable[[], bytes]] = {
    "jpeg": _saved(_photo(), "JPEG"),
    "jpeg-progressive": _saved(_photo(), "JPEG", progressive=True),
    "jpeg-cmyk": _saved(_photo("CMYK"), "JPEG"),
    "png": _saved(_photo(), "PNG"),
    "png-rgba": _saved(_photo("RGBA"), "PNG"),
    "png-16": _saved(Image.fromarray(np.asarray(_photo("L")).astype(np.uint16) * 257), "PNG"),
    "png-palette": _saved(_photo().quantize(16), "PNG", transparency=3),
    "gif": _saved(_photo(), "GIF", save_all=True, append_images=[_photo("L").convert("RGB")], comment=b"shoe"),
    "bmp": _saved(_photo(), "BMP"),
    "tiff": _saved(_photo(), "TIFF"),
    "tiff-lzw": _saved(_photo(), "TIFF", compression="tiff_lzw"),
    "tiff-deflate": _saved(_photo("RGBA"), "TIFF", compression="tiff_adobe_deflate"),
    "tiff-jpeg": _saved(_photo(), "TIFF", compression="jpeg"),
    "tiff-fax": _saved(_photo("1"), "TIFF", compression="group4"),
    "tiff-cmyk": _saved(_photo("CMYK"), "TIFF"),
    "webp": _saved(_photo(), "WEBP"),
    "webp-lossless": _saved(_photo("RGBA"), "WEBP", lossless=True),
    "webp-animated": _saved(_photo(), "WEBP", save_all=True, append_images=[_photo("L").convert("RGB")]),
    "jpeg2000": _saved(_photo(), "JPEG2000"),
    "jpeg2000-tiles": _saved(_photo("L"), "JPEG2000", tile_size=(16, 16), irreversible=True),
    "ppm": _saved(_photo(), "PPM"),
    "pgm-plain": lambda: b"P2 # plain\n8 6\n200\n" + b" ".join(b"%d" % (4 * i) for i in range(48)),
    "avif": _saved(_photo(), "AVIF"),
    "avif-rgba": _saved(_photo("RGBA"), "AVIF"),
    **({"heic": _saved(_photo(), "HEIF"), "heic-rgba": _saved(_photo("RGBA"), "HEIF")} if has_heif() else {}),
}


@lru_cache(maxsize=None)
def whole(name: str) -> bytes:
    """Return the content of an undamaged file."""
    return SEEDS[name]()


def mutant(name: str, seed: int) -> bytes:
    """Damage a file in one to eight places: change bits, bytes or integers, and insert, repeat or delete parts."""
    rng = random.Random(f"{name} {seed}")
    content = bytearray(whole(name))
    # Half of the damage is near the beginning, where the headers are.
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        if not content:
            break
        at = rng.randrange(min(len(content), 200) if rng.random() < 0.5 else len(content))
        kind = rng.randrange(7)
        if kind == 0:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[at] = rng.randrange(256)
        elif kind == 2:
            width = rng.choice((1, 2, 4))
            value = rng.choice(_INTERESTING) & (1 << 8 * width) - 1
            content[at:at + width] = value.to_bytes(width, rng.choice(("big", "little")))
        elif kind == 3:
            del content[at:at + rng.randrange(1, 40)]
        elif kind == 4:
            content[at:at] = content[at:at + rng.randrange(1, 40)]
        elif kind == 5:
            content[at:at] = rng.randbytes(rng.randrange(1, 20))
        else:
            del content[at:]
    return bytes(content)
