"""Find the frame sizes that an AV1 stream declares (AV1 bitstream specification, sections 5.3 and 5.5)."""

from __future__ import annotations

from .bits import Bits

_SEQUENCE_HEADER = 1
_MOST_UNITS = 1_000  # a still image has about five
_MOST_HEADER = 128  # bytes


def largest_frame(content: bytes, start: int, end: int) -> int:
    """Return the pixels of the largest frame that a sequence header in content[start:end] allows; 0 if none does."""
    largest = 0
    for _ in range(_MOST_UNITS):
        if start >= end:
            break
        head, start = content[start], start + 1
        start += head >> 2 & 1  # skip the extension
        size = end - start
        if head & 2:
            size, start = _leb128(content, start, end)
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            try:
                width, height = _largest(Bits(content[start:start + min(size, _MOST_HEADER)]))
            except ValueError:  # the decoder cannot read it either
                break
            largest = max(largest, width * height)
        start += size
    return largest


def _leb128(content: bytes, start: int, end: int) -> tuple[int, int]:
    """Read a variable-length integer; return it and the position after it."""
    value = 0
    for place, byte in enumerate(content[start:min(start + 8, end)]):
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            return value, start + place + 1
    return end, end


def _largest(bits: Bits) -> tuple[int, int]:
    """Read the largest width and height from a sequence header."""
    bits.take(4)  # profile and still_picture
    if bits.take(1):  # reduced_still_picture_header
        bits.take(5)
    else:
        delay_bits = _timing(bits)
        has_delay = bits.take(1)
        for _ in range(bits.take(5) + 1):
            bits.take(12)
            if bits.take(5) > 7:
                bits.take(1)
            if delay_bits and bits.take(1):
                bits.take(2 * delay_bits + 1)
            if has_delay and bits.take(1):
                bits.take(4)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


def _timing(bits: Bits) -> int:
    """Skip the timing information; return the bits of an operating point's delays, 0 if there are none."""
    if not bits.take(1):
        return 0
    bits.take(64)
    if bits.take(1):
        bits.take_golomb()
    if not bits.take(1):
        return 0
    delay_bits = bits.take(5) + 1
    bits.take(42)
    return delay_bits
