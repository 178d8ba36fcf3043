"""List the formats that can be read, and recognize them by content and by file name."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

from PIL import Image, features

#: The formats that can be read. Pillow knows many more, but some of them start other programs (EPS runs Ghostscript).
#: MPO files, which some cameras write, are read as the JPEG at their beginning. HEIF needs the extra "heic".
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP", "HEIF")

# Endings that every installation can read.
_ALWAYS = frozenset(
    (".bmp", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)

#: For each ending that needs an optional reader: the command that installs it.
MISSING_READERS = {
    ".avif": 'pip install --upgrade "pillow>=11.3"',
    ".heic": 'pip install "twoflow[heic]"',
    ".heif": 'pip install "twoflow[heic]"',
}

#: Signatures of files: the format, the position of the signature, and its bytes.
_SIGNATURES = (
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
    """Return the format of a file by its first bytes, one of `FORMATS`; None if no signature matches."""
    if content[4:8] == b"ftyp":
        size = min(int.from_bytes(content[:4]), 256)
        brands = [content[8:12], *(content[start:start + 4] for start in range(16, size, 4))]
        if not _AVIF_BRANDS.isdisjoint(brands):
            return "AVIF"
        return None if _HEIF_BRANDS.isdisjoint(brands) else "HEIF"
    return next((name for name, at, signature in _SIGNATURES if content.startswith(signature, at)), None)


def readable_suffixes() -> frozenset[str]:
    """Return the endings of file names that this installation can read, in lower case and with the dot."""
    readable = set(_ALWAYS)
    if features.check("avif"):
        readable.add(".avif")
    if has_heif():
        readable |= {".heic", ".heif"}
    return frozenset(readable)


@lru_cache(maxsize=1)
def has_heif() -> bool:
    """Return whether pillow-heif is installed; if so, register it with Pillow."""
    if find_spec("pillow_heif") is None:
        return False
    if "HEIF" not in Image.OPEN:
        import pillow_heif

        pillow_heif.register_heif_opener()
    return True
