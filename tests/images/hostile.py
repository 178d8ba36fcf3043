"""Make image files in memory: whole, damaged and hostile ones."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image


def encoded(image, format, **options):
    """Return the bytes of a file with this image."""
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def photo(width=40, height=30):
    """Draw a smooth image without symmetry, so that turning or mirroring it changes its pixels."""
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x * 255 // width, y * 255 // height, (x + y) * 2 % 256], axis=2).astype(np.uint8))


def decompression_bomb(side=50_000):
    """Make a PNG of a few bytes whose header declares side x side pixels."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


JPEG = encoded(photo(), "JPEG")

#: Content of files that cannot be read, each with words of the error.
UNREADABLE = {
    "zero-byte": (b"", "empty"),
    "text": (b"this is no image", "not an image in a known format"),
    "truncated": (encoded(photo(200, 150), "JPEG")[:-600], "truncated"),
    "bomb": (decompression_bomb(), "pixels"),
    "bomb-just-over-the-limit": (decompression_bomb(9_500), "pixels"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image in a known format"),
    "float": (encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"), "floating-point"),
}
