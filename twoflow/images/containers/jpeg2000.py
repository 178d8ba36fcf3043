"""Read the headers of JPEG 2000 (ITU-T T.800): sizes of image, tiles and code blocks, and the meaning of samples."""

from __future__ import annotations

import struct

from ..errors import damaged, refusal
from .boxes import find_boxes
from .container import Container

_SIZ, _COD, _SOT = 0xFF51, 0xFF52, 0xFF90
_COLOR_SPACES = (0, 12, 15, 16, 17, 18)  # two-level, CMYK, two-level, sRGB, gray, sYCC (Table I.10 and T.801)
_NO_HEADER = "no JPEG 2000 header"
# Measured with OpenJPEG: bytes per sample of a tile, per open tile, per code block; seconds per sample and per byte.
_SAMPLE_BYTES, _TILE_BYTES, _BLOCK_BYTES = 5.3, 6_000, 250
_SECONDS_A_SAMPLE, _SECONDS_A_BYTE = 5.5e-8, 1.4e-7


def take_apart(content: bytes) -> Container:
    """Read the headers; the file stays unchanged.

    Raises
    ------
    ImageReadError
        If the headers are damaged, samples are signed, or the color space is not supported.
    """
    profile, start = None, 0
    if not content.startswith(b"\xff\x4f"):
        header, start = b"", -1
        for kind, first, end in find_boxes(content, 0, len(content)):
            if kind == b"jp2h":
                header = content[first:end]
            elif kind == b"jp2c":
                start = first
                break
        if start < 0:
            raise damaged(_NO_HEADER)
        profile = _color(header)
    size, n_samples, depth, tile, n_tiles, block = _codestream(content, start)
    n_pixels = size[0] * size[1]
    memory = n_pixels * 4 + n_tiles * _TILE_BYTES + tile * n_samples * (_SAMPLE_BYTES + 1.4 * _BLOCK_BYTES / block)
    seconds = n_pixels * n_samples * _SECONDS_A_SAMPLE + len(content) * _SECONDS_A_BYTE
    scale = (1 << depth) - 1 << 8 - depth if depth < 8 else None  # Pillow only shifts samples to 8 bits
    return Container(content, size, round(memory), seconds, profile=profile, scale=scale)


def _color(header: bytes) -> bytes | None:
    """Return the ICC profile, and refuse a color space that is not supported."""
    for kind, first, end in find_boxes(header, 0, len(header)):
        if kind != b"colr" or end - first < 7:
            continue
        method, space = header[first], int.from_bytes(header[first + 3:first + 7])
        if method == 1 and space not in _COLOR_SPACES:
            raise refusal(f"JPEG 2000 in the color space {space} is not supported; save it in sRGB")
        return header[first + 3:end] if method in (2, 3) else None
    return None


def _codestream(content: bytes, start: int) -> tuple[tuple[int, int], int, int, int, int, int]:
    """Read size, samples per pixel, bits per sample, pixels per tile, number of tiles, and pixels per code block."""
    if len(content) < start + 42 or struct.unpack_from(">HH", content, start) != (0xFF4F, _SIZ):
        raise damaged(_NO_HEADER)
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, n_samples = struct.unpack_from(
        ">8IH", content, start + 8
    )
    width, height = right - left, bottom - top
    if width < 1 or height < 1 or not tile_width or not tile_height or not 1 <= n_samples <= 4 or \
            tile_left > left or tile_top > top:
        raise damaged(_NO_HEADER)
    if any(each & 0x80 for each in content[start + 42:start + 42 + 3 * n_samples:3]):
        raise refusal("signed samples have no fixed black and white; save the image unsigned")
    n_tiles = -(-(right - tile_left) // tile_width) * -(-(bottom - tile_top) // tile_height)
    tile = min(tile_width, width) * min(tile_height, height)
    depth = (content[start + 42] & 0x7F) + 1
    return (width, height), n_samples, depth, tile, n_tiles, _block(content, start + 2)


def _block(content: bytes, at: int) -> int:
    """Return the pixels of the smallest code block or precinct that a header from `at` on may ask for."""
    smallest = 64 * 64
    while at + 4 <= len(content):
        marker, length = struct.unpack_from(">HH", content, at)
        if marker == _SOT or marker < 0xFF00:
            break
        if marker == _COD and length >= 12 and at + 14 <= len(content):
            smallest = min(smallest, 1 << (content[at + 10] & 15) + (content[at + 11] & 15) + 4)
            if content[at + 4] & 1:  # precincts, one byte per resolution; the lowest one has few pixels
                sizes = content[at + 14:at + 2 + length][1:]
                smallest = min([smallest, *(1 << (each & 15) + (each >> 4) for each in sizes)])
        at += 2 + length
    return max(1, smallest)
