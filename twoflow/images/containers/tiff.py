"""Take TIFF (revision 6.0, and BigTIFF) apart: keep the tags of the first directory that decoding needs.

A new directory of these tags is appended to the file, and the header points to it. This hides all other tags and
directories from the decoder.
"""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

from ..errors import damaged, refusal
from ..exif import Exif, read_exif
from .container import MOST_PARTS, TOO_MANY_PARTS, Container

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION = 256, 257, 258, 259, 262, 274
_SAMPLES, _ROWS_PER_STRIP, _PLANAR = 277, 278, 284
_TILE_WIDTH, _TILE_HEIGHT, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _PROFILE = 322, 323, 338, 339, 34675
_STRIP_TAGS = (273, 279, 324, 325)
#: The tags that decoding needs: size and samples, positions of strips and tiles, fax, predictor, palette, JPEG, YCbCr.
_NEEDED = frozenset((
    _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, 266, *_STRIP_TAGS, _SAMPLES, _ROWS_PER_STRIP, _PLANAR, 292, 293,
    317, 320, _TILE_WIDTH, _TILE_HEIGHT, 332, _EXTRA_SAMPLES, _SAMPLE_FORMAT, 347, *range(512, 522), 529, 530, 531, 532,
))
#: Tags with one value. If an entry has more, the first one counts.
_SINGLE = frozenset((
    _WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, 266, _ORIENTATION, _SAMPLES, _ROWS_PER_STRIP, _PLANAR, 292, 293, 317,
    _TILE_WIDTH, _TILE_HEIGHT, 332, 512, 513, 514, 515, 531,
))
_NO_DIRECTORY = "no TIFF directory"
_OLD_JPEG, _JPEG = 6, 7
_MOST_TILE = 64 * 2**20  # bytes of a tile, which a decoder allocates
_MOST_STRIPS = 2**16
_MOST_SCANS = 64  # of all JPEG streams in the file, on top of four per strip
_UNSIGNED, _SIGNED, _FLOAT, _UNDEFINED = 1, 2, 3, 4


class _Entry(NamedTuple):
    kind: int
    number: int
    raw: bytes  # the entry as it is in the file
    values: tuple[int, ...]  # the first 16, if they are integers


def take_apart(content: bytes) -> Container:
    """Keep the part of the first directory that decoding needs.

    Raises
    ------
    ImageReadError
        If the directory is damaged; if samples are signed, floating-point or 32-bit; or if the directory asks for far
        more than the image can need.
    """
    order = "<" if content[:2] == b"II" else ">"
    is_big = content[2:4] in (b"+\0", b"\0+")
    if is_big and order == ">":
        raise refusal("a big-endian BigTIFF file, which Pillow does not read; save it as TIFF")
    entries = _read_directory(content, order, is_big)

    def value(tag: int, default: int) -> int:
        return entries[tag].values[0] if tag in entries and entries[tag].values else default

    width, height = value(_WIDTH, 0), value(_HEIGHT, 0)
    if not width or not height:
        raise damaged("no TIFF directory that gives the size")
    n_samples, compression = value(_SAMPLES, 1), value(_COMPRESSION, 1)
    bits = max(entries[_BITS].values, default=1) if _BITS in entries else 1
    _check_samples(entries, bits)
    _check_layout(content, entries, width, height, compression)

    strip = width * min(value(_ROWS_PER_STRIP, height), height)
    tile = value(_TILE_WIDTH, 0) * value(_TILE_HEIGHT, 0)
    samples_together = max(1, n_samples) if value(_PLANAR, 1) == 1 else 1
    part = 0 if compression == 1 else max(strip, tile) * samples_together * max(bits, 8) // 8
    n_pixels = width * height
    memory = n_pixels * _bytes_in_memory(value(_PHOTOMETRIC, 0), n_samples, bits, compression) + 2 * part
    photometric = value(_PHOTOMETRIC, 0)
    profile = _data(content, entries.get(_PROFILE), order, is_big)
    orientation = value(_ORIENTATION, 1) if value(_ORIENTATION, 1) <= 8 else 1
    return Container(
        _rewrite(content, entries, order, is_big), (width, height), memory,
        profile=profile, is_profile_damaged=_PROFILE in entries and profile is None,
        exif=Exif(orientation) if is_big else read_exif(content),  # EXIF has the layout of TIFF
        scale=4095 if bits == 12 else None,
        is_inverted=photometric == 0 and bits > 8,
    )


def _read_directory(content: bytes, order: str, is_big: bool) -> dict[int, _Entry]:
    """Read the needed entries by tag, without those whose data is not in the file."""
    if len(content) < (16 if is_big else 8):
        raise damaged(_NO_DIRECTORY)
    (start,) = struct.unpack_from(order + ("Q" if is_big else "I"), content, 8 if is_big else 4)
    head, layout = ("Q", "HHQ8s") if is_big else ("H", "HHI4s")
    head_size, entry_size, inline = struct.calcsize("<" + head), struct.calcsize("<" + layout), 8 if is_big else 4
    if start + head_size > len(content):
        raise damaged(_NO_DIRECTORY)
    (count,) = struct.unpack_from(order + head, content, start)
    if count > MOST_PARTS:
        raise refusal(TOO_MANY_PARTS)
    entries: dict[int, _Entry] = {}
    for at in range(start + head_size, start + head_size + count * entry_size, entry_size):
        if at + entry_size > len(content):
            break  # libtiff also continues with the entries so far
        tag, kind, number, field = struct.unpack_from(order + layout, content, at)
        if tag in entries or kind not in _SIZES or tag not in _NEEDED and tag not in (_ORIENTATION, _PROFILE):
            continue
        size = number * _SIZES[kind]
        place = at + entry_size - inline if size <= inline else _offset(field, order, is_big)
        if not number or place + size > len(content):
            if tag in _STRIP_TAGS:
                raise damaged("its strips are not where the TIFF directory says")
            continue
        code = _CODES.get(kind)
        first = min(number, 16)
        values = struct.unpack_from(f"{order}{first}{code}", content, place) if code else ()
        raw = content[at:at + entry_size]
        if tag in _SINGLE and number > 1:
            if not values:
                continue
            number, values = 1, values[:1]
            raw = struct.pack(order + layout, tag, kind, 1, struct.pack(f"{order}{code}", *values).ljust(inline, b"\0"))
        entries[tag] = _Entry(kind, number, raw, values)
    return entries


def _offset(field: bytes, order: str, is_big: bool) -> int:
    return struct.unpack(order + ("Q" if is_big else "I"), field)[0]


def _data(content: bytes, entry: _Entry | None, order: str, is_big: bool) -> bytes | None:
    """Return the data of an entry that holds more than 8 bytes; None if it does not."""
    if entry is None or _SIZES[entry.kind] != 1 or entry.number <= 8:
        return None
    start = _offset(entry.raw[-8:] if is_big else entry.raw[-4:], order, is_big)
    return content[start:start + entry.number]


def _check_samples(entries: dict[int, _Entry], bits: int) -> None:
    formats = set(entries[_SAMPLE_FORMAT].values) if _SAMPLE_FORMAT in entries else {_UNSIGNED}
    remedy = "save the image with 8 or 16 bits"
    if _FLOAT in formats or formats & {5, 6}:
        raise refusal(f"floating-point pixels have no fixed white; {remedy}")
    if bits > 16:
        raise refusal(f"{bits}-bit pixels have no fixed white; {remedy}")
    if _SIGNED in formats:
        raise refusal(f"signed samples have no fixed black and white; {remedy}, unsigned")


def _check_layout(
    content: bytes, entries: dict[int, _Entry], width: int, height: int, compression: int
) -> None:
    n_strips = max((entries[tag].number for tag in _STRIP_TAGS if tag in entries), default=0)
    if n_strips > _MOST_STRIPS:
        raise refusal(f"expected at most {_MOST_STRIPS:,} strips or tiles, got {n_strips:,}; save it with larger ones")
    if _TILE_WIDTH in entries and _TILE_HEIGHT in entries:
        sides = [max(entries[tag].values, default=0) for tag in (_TILE_WIDTH, _TILE_HEIGHT)]
        if math.prod(sides) > 4 * width * height + 2**20 and math.prod(sides) > 2**22:
            raise refusal(
                f"tiles of {sides[0]:,} x {sides[1]:,} pixels in an image of {width:,} x {height:,}; save it with "
                "smaller tiles"
            )
    if compression in (_JPEG, _OLD_JPEG) and content.count(b"\xff\xda") > _MOST_SCANS + 4 * n_strips:
        raise refusal("more JPEG scans than an image of this size can need; save it without JPEG compression")


def _bytes_in_memory(photometric: int, n_samples: int, bits: int, compression: int) -> int:
    """Return the bytes of a pixel in Pillow's memory."""
    if compression == _JPEG and n_samples >= 3:
        return 10  # progressive JPEG keeps its coefficients in memory
    if n_samples == 1 and photometric in (0, 1, 3):
        return 2 if bits > 8 else 1
    return 8 if photometric == 6 else 4  # libtiff converts YCbCr into an image of its own


def _rewrite(content: bytes, entries: dict[int, _Entry], order: str, is_big: bool) -> bytes:
    """Append a directory of the tags that decoding needs, and point the header to it."""
    raw = [entries[tag].raw for tag in sorted(entries) if tag in _NEEDED]
    padding = b"\0" * (-len(content) % 8)
    start = len(content) + len(padding)
    if is_big:
        header = content[:8] + struct.pack(order + "Q", start)
        directory = struct.pack(order + "Q", len(raw)) + b"".join(raw) + bytes(8)
    else:
        header = content[:4] + struct.pack(order + "I", start)
        directory = struct.pack(order + "H", len(raw)) + b"".join(raw) + bytes(4)
    return b"".join((header, memoryview(content)[len(header):], padding, directory))
