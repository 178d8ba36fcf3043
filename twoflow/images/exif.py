"""The three values of an EXIF block that say how pixels are to be read.

Pillow's own reader builds every value that a block claims to have; this one looks at a bounded number of entries and
never raises, so that damaged EXIF costs no image.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_ORIENTATION, _EXIF_IFD, _COLOR_SPACE, _INTEROPERABILITY_IFD, _INTEROPERABILITY_INDEX = (
    0x0112, 0x8769, 0xA001, 0xA005, 0x0001
)
_MOST_ENTRIES = 1000  # of a directory; cameras write some fifty
_SHORT, _LONG, _ASCII = 3, 4, 2


class Exif(NamedTuple):
    """What EXIF says of the pixels.

    Attributes
    ----------
    orientation : int
        1 to 8 (EXIF 2.32, tag 0x0112); 1 if not given.
    is_adobe_rgb : bool
        Whether the color space is Adobe RGB (1998), by ColorSpace 2 or the interoperability index "R03" (DCF 2.0).
    """

    orientation: int = 1
    is_adobe_rgb: bool = False


def read_exif(block: bytes | None) -> Exif:
    """Read an EXIF block, a TIFF structure with or without ``Exif\\0\\0`` before it; values that are damaged count as
    not given."""
    if not block:
        return Exif()
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(bytes(block[:2]))
    if order is None or len(block) < 8:
        return Exif()
    main = _directory(block, order, int.from_bytes(block[4:8], "little" if order == "<" else "big"))
    inner = _directory(block, order, _number(main.get(_EXIF_IFD), order))
    interoperability = _directory(block, order, _number(inner.get(_INTEROPERABILITY_IFD), order))
    orientation = _number(main.get(_ORIENTATION), order)
    kind, _, index = interoperability.get(_INTEROPERABILITY_INDEX, (0, 0, b""))
    is_adobe = _number(inner.get(_COLOR_SPACE), order) == 2 or kind == _ASCII and index[:3] == b"R03"
    return Exif(orientation if 1 <= orientation <= 8 else 1, is_adobe)


def _directory(block: bytes, order: str, start: int) -> dict[int, tuple[int, int, bytes]]:
    """Type, count and the four bytes of value or offset, by tag; the first of several entries of a tag counts."""
    if not 8 <= start <= len(block) - 2:
        return {}
    (count,) = struct.unpack_from(order + "H", block, start)
    found: dict[int, tuple[int, int, bytes]] = {}
    for at in range(start + 2, start + 2 + 12 * min(count, _MOST_ENTRIES), 12):
        if at + 12 > len(block):
            break
        tag, kind, number, value = struct.unpack_from(order + "HHI4s", block, at)
        found.setdefault(tag, (kind, number, value))
    return found


def _number(entry: tuple[int, int, bytes] | None, order: str) -> int:
    """A single whole number, or 0."""
    if entry is None or entry[1] != 1 or entry[0] not in (_SHORT, _LONG):
        return 0
    return struct.unpack(order + ("H2x" if entry[0] == _SHORT else "I"), entry[2])[0]
