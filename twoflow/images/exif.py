"""Read the three EXIF values that say how to interpret pixels.

Pillow's own reader builds every value that a block claims to have. This one reads a limited number of entries and never
raises, so an image with damaged EXIF stays readable.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_ORIENTATION, _EXIF_IFD, _COLOR_SPACE, _INTEROPERABILITY_IFD, _INTEROPERABILITY_INDEX = (
    0x0112, 0x8769, 0xA001, 0xA005, 0x0001
)
_MOST_ENTRIES = 1000  # of a directory; cameras write about 50
_SHORT, _LONG, _ASCII = 3, 4, 2


class Exif(NamedTuple):
    """What EXIF says about the pixels.

    Attributes
    ----------
    orientation : int
        1 to 8 (EXIF 2.32, tag 0x0112). Default: 1, upright.
    is_adobe_rgb : bool
        Whether the color space is Adobe RGB (1998): ColorSpace is 2, or the interoperability index is "R03" (DCF 2.0).
        Default: False.
    """

    orientation: int = 1
    is_adobe_rgb: bool = False


def read_exif(block: bytes | None) -> Exif:
    """Read an EXIF block: a TIFF structure with or without ``Exif\\0\\0`` before it. Damaged values get the default."""
    if not block:
        return Exif()
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(bytes(block[:2]))
    if order is None or len(block) < 8:
        return Exif()
    main = _read_directory(block, order, int.from_bytes(block[4:8], "little" if order == "<" else "big"))
    inner = _read_directory(block, order, _read_integer(main.get(_EXIF_IFD), order))
    interoperability = _read_directory(block, order, _read_integer(inner.get(_INTEROPERABILITY_IFD), order))
    orientation = _read_integer(main.get(_ORIENTATION), order)
    kind, _, index = interoperability.get(_INTEROPERABILITY_INDEX, (0, 0, b""))
    is_adobe = _read_integer(inner.get(_COLOR_SPACE), order) == 2 or kind == _ASCII and index[:3] == b"R03"
    return Exif(orientation if 1 <= orientation <= 8 else 1, is_adobe)


def _read_directory(block: bytes, order: str, start: int) -> dict[int, tuple[int, int, bytes]]:
    """Map each tag to its type, its count and the four bytes of its value or offset.

    If a tag has several entries, the first one counts.
    """
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


def _read_integer(entry: tuple[int, int, bytes] | None, order: str) -> int:
    """Return the value of an entry if it is one integer, otherwise 0."""
    if entry is None or entry[1] != 1 or entry[0] not in (_SHORT, _LONG):
        return 0
    return struct.unpack(order + ("H2x" if entry[0] == _SHORT else "I"), entry[2])[0]
