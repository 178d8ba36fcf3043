"""Take WebP (RFC 9649) apart: read the canvas size before a decoder allocates it, and keep frames without metadata."""

from __future__ import annotations

import struct
from itertools import count

from ..errors import damaged, refusal
from ..exif import Exif, read_exif
from .container import MOST_PARTS, TOO_MANY_PARTS, Container

_PIXELS = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"))
_ANIMATED, _HAS_PROFILE, _HAS_EXIF, _HAS_XMP = 0x02, 0x20, 0x08, 0x04
_BYTES = 17.2  # bytes per pixel, measured: Pillow decodes on the animation's canvas, and copies it twice


def take_apart(content: bytes) -> Container:
    """Keep the first frame; an animation keeps its canvas too.

    Raises
    ------
    ImageReadError
        If no chunk gives the size, or there are too many chunks.
    """
    if content[:4] != b"RIFF":
        raise damaged("WebP without a RIFF header")
    kept: list[bytes | memoryview] = []
    size, profile, exif, n_frames = None, None, None, 0
    at, view = 12, memoryview(content)
    for n_chunks in count():
        if at + 8 > len(content):
            break
        if n_chunks == MOST_PARTS:
            raise refusal(TOO_MANY_PARTS)
        kind, length = struct.unpack_from("<4sI", content, at)
        end = at + 8 + length + (length & 1)
        body = content[at + 8:min(at + 8 + length, at + 8 + 30)]
        if kind in _PIXELS:
            size = size or _size(kind, body)
            n_frames += kind == b"ANMF"
            if n_frames <= 1 or kind != b"ANMF":
                kept.append(view[at:end])
        elif kind == b"ICCP" and profile is None:
            profile = content[at + 8:at + 8 + length]
        elif kind == b"EXIF" and exif is None:
            exif = content[at + 8:at + 8 + length]
        at = end
    if size is None:
        raise damaged("no WebP frame")
    if kept[0][:4] == b"VP8X":
        canvas = bytearray(kept[0])
        canvas[8] &= ~(_HAS_PROFILE | _HAS_EXIF | _HAS_XMP)
        kept[0] = bytes(canvas)
    head = b"RIFF" + struct.pack("<I", 4 + sum(map(len, kept))) + b"WEBP"
    return Container(
        b"".join((head, *kept)), size, round(size[0] * size[1] * _BYTES),
        profile=profile, exif=read_exif(exif) if exif else Exif(),
    )


def _size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    """Read width and height from the body of a chunk; None if it does not hold them."""
    if kind == b"VP8X" and len(body) >= 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(body) >= 10:
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None
