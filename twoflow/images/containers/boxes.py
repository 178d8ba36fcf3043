"""Find the boxes of the ISO base media file format (ISO/IEC 14496-12) and of JPEG 2000."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import refusal
from .container import MOST_PARTS, TOO_MANY_PARTS


def find_boxes(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type of each box in content[start:end], and where its content begins and ends.

    The last box may be truncated.
    """
    for n_boxes in range(MOST_PARTS + 1):
        if start + 8 > end:
            return
        if n_boxes == MOST_PARTS:
            raise refusal(TOO_MANY_PARTS)
        size, kind, first = int.from_bytes(content[start:start + 4]), content[start + 4:start + 8], start + 8
        if size == 1:  # the length has 64 bits
            size, first = int.from_bytes(content[start + 8:start + 16]), start + 16
        stop = end if size == 0 else start + size
        if stop < first:
            return
        yield kind, first, min(stop, end)
        start = stop


def find_box(content: bytes, start: int, end: int, wanted: bytes) -> tuple[int, int] | None:
    """Return where the content of the first box of type `wanted` begins and ends; None if there is none."""
    return next(((first, stop) for kind, first, stop in find_boxes(content, start, end) if kind == wanted), None)
