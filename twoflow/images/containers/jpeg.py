"""Take JPEG (ITU-T T.81) apart: keep the segments that decoding needs, and count the scans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from ..errors import damaged, refusal
from ..exif import Exif, read_exif
from .container import MOST_PARTS, TOO_MANY_PARTS, Container

_SOF = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_SOS, _EOI, _APP0, _APP1, _APP2, _APP14, _COM = 0xDA, 0xD9, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a segment: TEM, RST0 to RST7, SOI
_METADATA = frozenset((*range(0xE0, 0xF0), _COM))
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0"
_SCAN = re.compile(rb"\xff\xda")

# Each scan of a progressive image visits all blocks again, even if the scan has only a few bytes.
_SECONDS_A_SCAN_PIXEL = 4e-9
_USUAL_SCANS = 16  # libjpeg writes 10 for a color image; the scripts of jpegtran and mozjpeg up to 14
_MOST_SCANS = 1000


def take_apart(content: bytes) -> Container:
    """Keep the tables, the frame, the scans, and the JFIF and Adobe segments, which say what the components mean.

    Raises
    ------
    ImageReadError
        If there is no frame before the first scan, or there are too many segments.
    """
    kept: list[bytes | memoryview] = [b"\xff\xd8"]
    view = memoryview(content)
    exif, parts, frame, marker, is_clean = b"", [], None, 0, True
    for n_segments, (marker, start, end) in enumerate(_segments(content)):
        if n_segments == MOST_PARTS:
            raise refusal(TOO_MANY_PARTS)
        body = content[start + 4:end]
        if marker in _SOF and frame is None:
            frame = (marker, body)
        if marker == _APP1 and body.startswith(_EXIF) and not exif:
            exif = body
        elif marker == _APP2 and body.startswith(_ICC):
            parts.append(body[len(_ICC):])
        if marker == _SOS:
            kept.append(view[start:])  # the decoder handles what is between and after the scans
            break
        if marker not in _METADATA or marker == _APP0 and body[:5] == b"JFIF\0" or \
                marker == _APP14 and body[:5] == b"Adobe":
            kept.append(view[start:end])
        else:
            is_clean = False
    if marker != _SOS or frame is None or len(frame[1]) < 6:
        raise damaged("no JPEG frame and scan")
    profile, is_damaged = _join(parts)
    size, memory, n_scans = _cost(*frame, kept[-1])
    seconds = size[0] * size[1] * _SECONDS_A_SCAN_PIXEL * max(0, n_scans - _USUAL_SCANS)
    return Container(
        content if is_clean else b"".join(kept), size, memory, seconds, profile, is_damaged,
        exif=read_exif(exif) if exif else Exif(),
    )


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the marker, start and end of each segment up to the first scan, found as Pillow finds them."""
    at, length = 2, len(content)
    while True:
        at = content.find(b"\xff", at)  # other bytes between segments are junk, which decoders skip
        while at >= 0 and at + 1 < length and content[at + 1] == 0xFF:  # padding
            at += 1
        if at < 0 or at + 4 > length:
            return
        marker = content[at + 1]
        if marker == 0 or marker in _BARE:
            at += 2
            continue
        if marker == _EOI:
            return
        end = at + 2 + int.from_bytes(content[at + 2:at + 4])
        yield marker, at, end
        if marker == _SOS:
            return
        at = max(end, at + 4)


def _join(parts: list[bytes]) -> tuple[bytes | None, bool]:
    """Join the segments of the ICC profile, and return whether one is missing.

    Each part begins with its number and the number of parts.
    """
    if not parts:
        return None, False
    parts = sorted(part for part in parts if len(part) > 2)
    numbers = [part[0] for part in parts]
    if not parts or numbers != list(range(1, parts[0][1] + 1)):
        return None, True
    return b"".join(part[2:] for part in parts), False


def _cost(marker: int, frame: bytes, scans: bytes | memoryview) -> tuple[tuple[int, int], int, int]:
    """Return the size, the memory that decoding takes in bytes, and the number of scans."""
    height, width, n_components = int.from_bytes(frame[1:3]), int.from_bytes(frame[3:5]), frame[5]
    n_pixels = width * height
    memory = n_pixels * (1 if n_components == 1 else 4)
    first_scan = scans[4] if len(scans) > 4 else 0
    if marker not in _PROGRESSIVE and first_scan >= n_components:
        return (width, height), memory, 1  # decoded row by row
    # Otherwise all coefficients stay in memory until the last scan: two bytes each, 64 per block.
    factors = [(value >> 4, value & 15) for value in frame[7:6 + 3 * n_components:3]]
    most = (max((h for h, _ in factors), default=1) or 1) * (max((v for _, v in factors), default=1) or 1)
    memory += round(2.1 * n_pixels * sum(h * v for h, v in factors) / most)
    n_scans = sum(1 for _ in islice(_SCAN.finditer(scans), _MOST_SCANS))
    return (width, height), memory, n_scans
