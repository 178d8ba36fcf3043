"""Rewrite portable pixmaps (PBM, PGM, PPM) in binary form, with 255 or 65535 as white.

Otherwise Pillow would decode plain files and other values of white in Python, sample by sample, and its time would grow
with the square of the number of comments.
"""

from __future__ import annotations

import re

import numpy as np

from ..budget import check_memory
from ..errors import damaged, refusal
from .container import MOST_PARTS, Container

_KINDS = {b"1": 1, b"2": 1, b"3": 3, b"4": 1, b"5": 1, b"6": 3}  # samples per pixel
_PLAIN, _BITMAPS = b"123", b"14"
_MOST_HEADER = 2**16  # bytes
_MOST_PLAIN = 2**23  # samples of a plain file
_SPACE = rb"(?:[ \t\n\v\f\r]|#[^\r\n]*[\r\n])"
_HEADER = re.compile(
    rb"P([1-6])" + _SPACE + rb"+(\d{1,10})" + _SPACE + rb"+(\d{1,10})(?:" + _SPACE + rb"+(\d{1,10}))?[ \t\n\v\f\r]"
)
_BITMAP_HEADER = re.compile(rb"P([14])" + _SPACE + rb"+(\d{1,10})" + _SPACE + rb"+(\d{1,10})[ \t\n\v\f\r]")
_COMMENT = re.compile(rb"#[^\r\n]*")
_PLAIN_TEXT = re.compile(rb"[\d \t\n\v\f\r]*")
_LONG_NUMBER = re.compile(rb"\d{11}")


def take_apart(content: bytes) -> Container:
    """Rewrite the file as P4, P5 or P6. White becomes 255, or 65535 for gray of more than 8 bits.

    Raises
    ------
    ImageReadError
        If the header is damaged, samples are missing or larger than white, or pixels are floating-point numbers.
    """
    if content[1:2] == b"f":
        raise refusal("floating-point pixels have no fixed white; save the image with 8 or 16 bits")
    kind = content[1:2]
    found = (_BITMAP_HEADER if kind in _BITMAPS else _HEADER).match(content, 0, _MOST_HEADER)
    if not found or kind not in _BITMAPS and not found[4]:
        raise damaged("no header of a portable pixmap")
    width, height = int(found[2]), int(found[3])
    n_samples = width * height * _KINDS[kind]
    size, memory = (width, height), width * height * (4 if kind in b"36" else 1)
    if kind == b"4":
        return Container(content, size, memory)
    white = 1 if kind == b"1" else int(found[4])
    if not 0 < white < 65536:
        raise refusal(f"expected a value of white from 1 to 65535 in the header, got {white}; save the image again")
    if white in (255, 65535) and kind not in _PLAIN and (kind, white) != (b"6", 65535):
        whole = b"".join((_header(kind, size, white), memoryview(content)[found.end():]))
        return Container(whole, size, memory * (4 if white > 255 else 1))
    check_memory(len(content) + memory + 12 * n_samples)
    if kind in _PLAIN:
        samples = _plain_samples(content, found.end(), kind, n_samples)
    else:
        kept = memoryview(content)[found.end():][:n_samples * (1 if white < 256 else 2)]
        samples = np.frombuffer(kept[:len(kept) & -2] if white > 255 else kept, ">u2" if white > 255 else "u1")
    if len(samples) < n_samples:
        raise damaged(f"expected {n_samples:,} samples, got {len(samples):,}")
    if kind in _PLAIN and samples.max(initial=0) > white:
        raise damaged(f"a sample of {samples.max():,}, but white is {white:,}")
    out = 65535 if white > 255 and kind in b"25" else 255
    table = np.array([min(out, round(value / white * out)) for value in range(65536 if white > 255 else 256)])
    if kind == b"1":
        table = 255 - table  # in a bitmap, 1 is black
    pixels = table.astype(">u2" if out > 255 else "u1")[samples]
    return Container(
        _header(b"6" if kind in b"36" else b"5", size, out) + pixels.tobytes(), size,
        memory * (4 if out > 255 else 1) + 12 * n_samples,
    )


def _header(kind: bytes, size: tuple[int, int], white: int) -> bytes:
    return b"P%s %d %d %d\n" % (kind, *size, white)


def _plain_samples(content: bytes, start: int, kind: bytes, n_samples: int) -> np.ndarray:
    """Read the samples of a plain file from position `start` on."""
    if n_samples > _MOST_PLAIN or len(content) > 6 * _MOST_PLAIN:
        raise refusal(
            f"expected at most {_MOST_PLAIN:,} samples of a plain pixmap, got {n_samples:,}; save it in binary form"
        )
    if content.count(b"#") > MOST_PARTS:
        raise refusal(f"more than {MOST_PARTS:,} comments; remove them")
    text = _COMMENT.sub(b"", content[start:])
    if not _PLAIN_TEXT.fullmatch(text) or _LONG_NUMBER.search(text) and kind != b"1":
        raise damaged("a sample that is not a number")
    if kind == b"1":  # digits; blanks between them are optional
        digits = np.frombuffer(text.translate(None, b" \t\n\v\f\r")[:n_samples], np.uint8) - ord("0")
        if digits.max(initial=0) > 1:
            raise damaged("a bit that is neither 0 nor 1")
        return digits
    return np.fromstring(text, np.int64, count=-1, sep=" ")[:n_samples]
