"""Take AVIF and HEIF apart (ISO/IEC 23008-12): the image's properties, and the real sizes of the frames inside."""

from __future__ import annotations

from typing import NamedTuple

from ..color import Encoding, encoding_of_codes
from ..errors import damaged, refusal
from ..exif import Exif
from . import av1, hevc
from .boxes import find_box, find_boxes
from .container import Container

_NO_DESCRIPTION = "no description of the image"
_METADATA_ITEMS = (b"Exif", b"mime", b"uri ")
_MOST_ITEMS = 2_000  # a grid of 50 megapixels has about 200
# Bytes per pixel, measured, for 8 bits and for more: the planes, RGB in the decoder, a copy as bytes, Pillow's image.
_BYTES, _BYTES_DEEP = 12.5, 17.0
_SECONDS_A_PIXEL = 7e-8


class _Image(NamedTuple):
    size: tuple[int, int]
    largest: int  # pixels of the largest frame, which may be larger than the image
    is_deep: bool  # more than 8 bits per sample
    profile: bytes | None
    encoding: Encoding | None


def take_avif_apart(content: bytes) -> Container:
    """Read the properties of the image, and hide its metadata from the decoder.

    Raises
    ------
    ImageReadError
        If the description is damaged, a frame is far larger than the image, or the colors are HDR.
    """
    return _take_apart(content)


def take_heif_apart(content: bytes) -> Container:
    """Take HEIF apart as `take_avif_apart` does AVIF; its frames are coded with HEVC."""
    return _take_apart(content)


def _take_apart(content: bytes) -> Container:
    image, metadata = _describe(content)
    n_pixels = image.size[0] * image.size[1]
    if image.largest > 2 * n_pixels + 2**20:
        raise refusal(
            f"frames of {image.largest:,} pixels in an image of {image.size[0]:,} x {image.size[1]:,}; save the image "
            "again"
        )
    if metadata or content[8:12] == b"avis":
        hidden = bytearray(content)
        if content[8:12] == b"avis":  # a sequence: decode its still image, not the track
            hidden[8:12] = b"avif"
        for at in metadata:
            hidden[at:at + 4] = b"skip"
        content = bytes(hidden)
    memory = n_pixels * (_BYTES_DEEP if image.is_deep else _BYTES) + 4 * image.largest
    return Container(
        content, image.size, round(memory), n_pixels * _SECONDS_A_PIXEL, profile=image.profile,
        encoding=image.encoding, exif=Exif(),
    )


def _describe(content: bytes) -> tuple[_Image, list[int]]:
    """Describe the primary image, and find the positions of its metadata items' types."""
    meta = find_box(content, 0, len(content), b"meta")
    if meta is None:
        raise damaged(_NO_DESCRIPTION)
    boxes = {kind: (first, end) for kind, first, end in find_boxes(content, meta[0] + 4, meta[1])}
    if not {b"pitm", b"iprp"} <= boxes.keys():
        raise damaged(_NO_DESCRIPTION)
    first, _ = boxes[b"pitm"]
    primary = int.from_bytes(content[first + 4:first + (6 if content[first] == 0 else 8)])
    properties = _properties(content, *boxes[b"iprp"])
    associated = _associations(content, *boxes[b"iprp"]).get(primary, [])
    own = [properties[number] for number in associated if number in properties]
    sizes = [_extents(content, place) for kind, *place in properties.values() if kind == b"ispe"]
    shown = [_extents(content, place) for kind, *place in own if kind == b"ispe"]
    if not shown:
        raise damaged(_NO_DESCRIPTION)
    largest = max(
        *(width * height for width, height in sizes),
        *(hevc.largest_frame(content[start:end]) for kind, start, end in properties.values() if kind == b"hvcC"),
        *(av1.largest_frame(content, *place) for place in _items(content, boxes)),
    )
    is_deep = any(
        kind == b"av1C" and content[start + 2] & 0x40 or kind == b"pixi" and max(content[start + 5:end], default=8) > 8
        for kind, start, end in properties.values() if end - start > 2
    )
    profile, encoding = _colors(content, own)
    return _Image(shown[0], largest, is_deep, profile, encoding), _metadata(content, boxes.get(b"iinf"))


def _properties(content: bytes, start: int, end: int) -> dict[int, tuple[bytes, int, int]]:
    """Map the number of each property, which items refer to, to its type, start and end."""
    place = find_box(content, start, end, b"ipco")
    return dict(enumerate(find_boxes(content, *place), start=1)) if place else {}


def _associations(content: bytes, start: int, end: int) -> dict[int, list[int]]:
    """Map each item to the numbers of its properties (section 9.3.2)."""
    found: dict[int, list[int]] = {}
    place = find_box(content, start, end, b"ipma")
    if place is None:
        return found
    at, stop = place
    version, is_wide = content[at], content[at + 3] & 1
    count, at = int.from_bytes(content[at + 4:at + 8]), at + 8
    for _ in range(min(count, _MOST_ITEMS)):
        width = 2 if version < 1 else 4
        item, n_properties, at = int.from_bytes(content[at:at + width]), content[at + width], at + width + 1
        step = 2 if is_wide else 1
        if at + step * n_properties > stop:
            break
        mask = 0x7FFF if is_wide else 0x7F  # the highest bit marks an essential property
        numbers = [int.from_bytes(content[at + i * step:at + (i + 1) * step]) & mask for i in range(n_properties)]
        found.setdefault(item, numbers)
        at += step * n_properties
    return found


def _items(content: bytes, boxes: dict[bytes, tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the start and end of each item's data (ISO/IEC 14496-12, section 8.11.3)."""
    if b"iloc" not in boxes:
        return []
    at, stop = boxes[b"iloc"]
    version, widths = content[at], content[at + 4:at + 6]
    offset_size, length_size, base_size, index_size = widths[0] >> 4, widths[0] & 15, widths[1] >> 4, widths[1] & 15
    at += 6
    found: list[tuple[int, int]] = []

    def take(width: int) -> int:
        nonlocal at
        at += width
        return int.from_bytes(content[at - width:at])

    for _ in range(min(take(2 if version < 2 else 4), _MOST_ITEMS)):
        take(2 if version < 2 else 4)
        is_inside = version > 0 and take(2) & 15 == 1  # the data is in the box idat
        take(2)
        base = take(base_size) + (boxes.get(b"idat", (0, 0))[0] if is_inside else 0)
        for number in range(take(2)):
            take(index_size if version > 0 else 0)
            start = base + take(offset_size)
            end = start + take(length_size)
            if not number and end <= len(content):
                found.append((start, end))
        if at > stop:
            break
    return found


def _extents(content: bytes, place: list[int]) -> tuple[int, int]:
    """Read width and height from an ispe property."""
    start = place[0]
    return int.from_bytes(content[start + 4:start + 8]), int.from_bytes(content[start + 8:start + 12])


def _colors(content: bytes, own: list[tuple[bytes, int, int]]) -> tuple[bytes | None, Encoding | None]:
    """Return the ICC profile, and the encoding of the codes of ITU-T H.273; the profile has priority."""
    profile, encoding = None, None
    for kind, start, end in own:
        if kind != b"colr":
            continue
        method = content[start:start + 4]
        if method in (b"prof", b"rICC") and profile is None:
            profile = content[start + 4:end]
        elif method == b"nclx" and end - start >= 10 and encoding is None:
            primaries, transfer = int.from_bytes(content[start + 4:start + 6]), int.from_bytes(
                content[start + 6:start + 8]
            )
            encoding = encoding_of_codes(primaries, transfer)
    return profile, encoding


def _metadata(content: bytes, place: tuple[int, int] | None) -> list[int]:
    """Return the positions of the types of all items that hold EXIF, XMP and similar metadata."""
    if place is None:
        return []
    start, end = place
    found = []
    for kind, first, _ in find_boxes(content, start + (6 if content[start] == 0 else 8), end):
        at = first + (8 if content[first] < 3 else 10)
        if kind == b"infe" and content[first] >= 2 and content[at:at + 4] in _METADATA_ITEMS:
            found.append(at)
    return found
