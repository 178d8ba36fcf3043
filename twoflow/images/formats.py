"""The formats that are read, how a file of each begins, and which file names are taken for images."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

from PIL import Image, features

#: The formats that are opened. Pillow knows many more, some of which start other programs (EPS runs Ghostscript). The
#: MPO files of some cameras are opened as the JPEG that they begin with. HEIF needs an extra.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP", "HEIF")

_ALWAYS = frozenset(
    (".bmp", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)

#: What installs the reader of a file name's ending that not every installation can read.
MISSING_READERS = {
    ".avif": 'pip install --upgrade "pillow>=11.3"',
    ".heic": 'pip install "twoflow[heic]"',
    ".heif": 'pip install "twoflow[heic]"',
}

#: How files begin: the format, the position of a mark and the mark.
_MARKS = (
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("WEBP", 8, b"WEBP"),
    ("GIF", 0, b"GIF87a"),
    ("GIF", 0, b"GIF89a"),
    ("BMP", 0, b"BM"),
    ("TIFF", 0, b"II*\0"),
    ("TIFF", 0, b"MM\0*"),
    ("TIFF", 0, b"II+\0"),  # BigTIFF
    ("TIFF", 0, b"MM\0+"),
    ("JPEG2000", 0, b"\0\0\0\x0cjP  \r\n\x87\n"),
    ("JPEG2000", 0, b"\xff\x4f\xff\x51"),
    *(("PPM", 0, b"P" + kind) for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"f")),
)
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))


def identify(content: bytes) -> str | None:
    """The format that a file's content begins like, one of `FORMATS`; None if it begins like none of them."""
    if content[4:8] == b"ftyp":
        size = min(int.from_bytes(content[:4]), 256)
        brands = [content[8:12], *(content[start:start + 4] for start in range(16, size, 4))]
        if not _AVIF_BRANDS.isdisjoint(brands):
            return "AVIF"
        return None if _HEIF_BRANDS.isdisjoint(brands) else "HEIF"
    return next((name for name, at, mark in _MARKS if content.startswith(mark, at)), None)


def readable_suffixes() -> frozenset[str]:
    """The endings, in lower case and with the dot, of the file names that this installation can read."""
    readable = set(_ALWAYS)
    if features.check("avif"):
        readable.add(".avif")
    if has_heif():
        readable |= {".heic", ".heif"}
    return frozenset(readable)


@lru_cache(maxsize=1)
def has_heif() -> bool:
    """Whether HEIF can be read: pillow-heif is installed, and Pillow then knows it."""
    if find_spec("pillow_heif") is None:
        return False
    if "HEIF" not in Image.OPEN:
        import pillow_heif

        pillow_heif.register_heif_opener()
    return True
