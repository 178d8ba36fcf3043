"""Find the frame size that an HEVC configuration record declares (ISO/IEC 14496-15, ITU-T H.265 section 7.3.2.2)."""

from __future__ import annotations

from .bits import Bits

_SPS = 33
_MOST_UNITS, _MOST_HEADER = 64, 256


def largest_frame(record: bytes) -> int:
    """Return the pixels of the largest frame in the record's sequence parameter sets; 0 if there are none."""
    largest, at = 0, 23
    for _ in range(min(record[22], _MOST_UNITS) if len(record) > 22 else 0):
        kind, count = record[at] & 0x3F if at < len(record) else 0, int.from_bytes(record[at + 1:at + 3])
        at += 3
        for _ in range(min(count, _MOST_UNITS)):
            size = int.from_bytes(record[at:at + 2])
            if kind == _SPS:
                unit = record[at + 2:at + 2 + min(size, _MOST_HEADER)]
                try:
                    largest = max(largest, _pixels(Bits(unit.replace(b"\0\0\3", b"\0\0"))))  # emulation prevention
                except ValueError:  # the decoder cannot read it either
                    pass
            at += 2 + size
    return largest


def _pixels(bits: Bits) -> int:
    """Read the number of pixels from a sequence parameter set."""
    bits.take(16 + 4)  # unit header, number of the video parameter set
    n_layers = bits.take(3)
    bits.take(1 + 96)  # profile, tier and level
    present = [(bits.take(1), bits.take(1)) for _ in range(n_layers)]
    if n_layers:
        bits.take(2 * (8 - n_layers))
    for has_profile, has_level in present:
        bits.take(88 * has_profile + 8 * has_level)
    bits.take_golomb()
    if bits.take_golomb() == 3:
        bits.take(1)
    width, height = bits.take_golomb(), bits.take_golomb()
    return width * height
