"""Take GIF (89a) apart: keep the first image, without metadata."""

from __future__ import annotations

from itertools import count

from ..errors import damaged, refusal
from .container import MOST_PARTS, TOO_MANY_PARTS, Container

_EXTENSION, _IMAGE, _CONTROL, _APPLICATION = 0x21, 0x2C, 0xF9, 0xFF
_PROFILE = b"ICCRGBG1012"  # the application extension that holds an ICC profile
_NO_IMAGE = "no GIF image"


def take_apart(content: bytes) -> Container:
    """Keep the color tables, the control block and the first image; drop comments and other extensions.

    Raises
    ------
    ImageReadError
        If there is no image.
    """
    if len(content) < 13:
        raise damaged(_NO_IMAGE)
    width, height = _pair(content, 6)
    at = 13 + _table_size(content[10])
    kept: list[bytes | memoryview] = [content[:at]]
    profile = None
    for n_blocks in count():
        if n_blocks == MOST_PARTS:
            raise refusal(TOO_MANY_PARTS)
        kind = content[at:at + 1]
        if kind == bytes([_IMAGE]):
            break
        if kind != bytes([_EXTENSION]):
            if not kind or kind == b";":
                raise damaged(_NO_IMAGE)
            at += 1  # decoders skip junk
            continue
        label, start = content[at + 1:at + 2], at
        blocks, at = _blocks(content, at + 2)
        if label == bytes([_CONTROL]):
            kept.append(content[start:at])
        elif label == bytes([_APPLICATION]) and blocks[:1] == [_PROFILE] and profile is None:
            profile = b"".join(blocks[1:])
    if at + 10 > len(content):
        raise damaged(_NO_IMAGE)
    (left, top), (image_width, image_height) = _pair(content, at + 1), _pair(content, at + 5)
    kept.append(memoryview(content)[at:])
    size = max(width, left + image_width), max(height, top + image_height)
    return Container(b"".join(kept), size, 2 * size[0] * size[1], profile=profile)


def _pair(content: bytes, at: int) -> tuple[int, int]:
    """Read two 16-bit integers."""
    return int.from_bytes(content[at:at + 2], "little"), int.from_bytes(content[at + 2:at + 4], "little")


def _table_size(flags: int) -> int:
    """Return the size of a color table in bytes, 0 if there is none."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks(content: bytes, at: int) -> tuple[list[bytes], int]:
    """Read the sub-blocks from a position on; return them and the position of the next block."""
    found: list[bytes] = []
    while at < len(content) and content[at]:
        if len(found) == MOST_PARTS:
            raise refusal(TOO_MANY_PARTS)
        found.append(content[at + 1:at + 1 + content[at]])
        at += 1 + content[at]
    return found, at + 1
