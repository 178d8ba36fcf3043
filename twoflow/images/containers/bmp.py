"""Read the headers of BMP: the size and, from version 4 on, the color space."""

from __future__ import annotations

import struct

from ..color import SRGB, Encoding, encoding_of_primaries
from ..errors import damaged, refusal
from .container import Container

_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_RUN_LENGTH = (1, 2)
_SECONDS_A_BYTE, _MOST_RUN_WIDTH = 6e-7, 2**16  # for run-length coding, which Pillow decodes in Python
_EMBEDDED, _CALIBRATED, _SRGB, _WINDOWS = 0x4D424544, 0, 0x73524742, 0x57696E20


def take_apart(content: bytes) -> Container:
    """Read the header; the file stays unchanged.

    Raises
    ------
    ImageReadError
        If the header is damaged, or the rows of a run-length coded file are too long.
    """
    header = int.from_bytes(content[14:18], "little")
    if header not in _HEADERS or len(content) < 14 + header:
        raise damaged("no BMP header")
    if header == 12:
        width, height, _, depth = struct.unpack_from("<HHHH", content, 18)
        compression = 0
    else:
        width, height, _, depth, compression = struct.unpack_from("<IiHHI", content, 18)
    size = width, abs(height)
    if compression in _RUN_LENGTH and width > _MOST_RUN_WIDTH:  # one code can skip 255 rows
        raise refusal(
            f"expected at most {_MOST_RUN_WIDTH:,} pixels per row of a run-length coded BMP, got {width:,}; "
            "save it as PNG"
        )
    profile, is_damaged, encoding = _color(content, header)
    return Container(
        content, size, size[0] * size[1] * (1 if depth <= 8 else 4) * (3 if compression in _RUN_LENGTH else 1),
        len(content) * _SECONDS_A_BYTE if compression in _RUN_LENGTH else 0.0,
        profile=profile, is_profile_damaged=is_damaged, encoding=encoding,
    )


def _color(content: bytes, header: int) -> tuple[bytes | None, bool, Encoding | None]:
    """Return the ICC profile, whether a profile is damaged, and the encoding that the header gives."""
    if header < 108:
        return None, False, None
    (kind,) = struct.unpack_from("<I", content, 14 + 56)
    if kind == _EMBEDDED and header == 124:
        start, size = struct.unpack_from("<II", content, 14 + 112)
        profile = content[14 + start:14 + start + size]
        return (None, True, None) if len(profile) < max(size, 1) else (profile, False, None)
    if kind in (_SRGB, _WINDOWS):
        return None, False, SRGB
    if kind != _CALIBRATED:
        return None, False, None
    # X, Y, Z of red, green and blue are 2.30 fixed-point numbers; white is their sum. The gammas are 16.16.
    colors = [value / 2**30 for value in struct.unpack_from("<9i", content, 14 + 60)]
    gammas = [value / 2**16 for value in struct.unpack_from("<3I", content, 14 + 96)]
    points = [sum(colors[i::3]) for i in range(3)], *(colors[i:i + 3] for i in (0, 3, 6))
    if not all(sum(point) > 0 for point in points) or len({round(gamma, 3) for gamma in gammas}) > 1 or not gammas[0]:
        return None, False, None
    chromaticities = tuple(value / sum(point) for point in points for value in point[:2])
    return None, False, encoding_of_primaries(chromaticities, 1 / gammas[0])
