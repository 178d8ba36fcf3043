"""AVIF and HEIF (ISO/IEC 23008-12): the properties of the image, and how large the frames inside really are."""

from __future__ import annotations

from typing import NamedTuple

from ..color import Encoding, encoding_of_codes
from ..errors import refusal
from ..exif import Exif
from . import av1, hevc
from .boxes import find_box, find_boxes
from .container import Container

_DAMAGED = "the file is truncated or damaged: no description of the image"
_METADATA_ITEMS = (b"Exif", b"mime", b"uri ")
_MOST_ITEMS = 2_000  # a grid of 50 megapixels has some 200
# Measured: the planes, RGB in the decoder's memory, a copy as bytes and Pillow's image.
_BYTES, _BYTES_DEEP = 12.5, 17.0
_SECONDS_A_PIXEL = 7e-8


class _Image(NamedTuple):
    size: tuple[int, int]
    largest: int  # pixels of the largest frame, which need not be the image's
    is_deep: bool  # more than 8 bits a sample
    profile: bytes | None
    encoding: Encoding | None


def take_avif_apart(content: bytes) -> Container:
    """Look at the properties of the image, and hide its metadata from the decoder.

    Raises
    ------
    ImageReadError
        If the description is damaged, the frames are far larger than the image, or its colors are HDR.
    """
    return _take_apart(content)


def take_heif_apart(content: bytes) -> Container:
    """As `take_avif_apart`, for images that HEVC has coded."""
    return _take_apart(content)


def _take_apart(content: bytes) -> Container:
    image, metadata = _describe(content)
    n_pixels = image.size[0] * image.size[1]
    if image.largest > 2 * n_pixels + 2**20:
        raise refusal(f"frames of {image.largest:,} pixels in an image of {image.size[0]:,} x {image.size[1]:,}")
    if metadata or content[8:12] == b"avis":
        hidden = bytearray(content)
        if content[8:12] == b"avis":  # a sequence: the image in it is decoded, not the track
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
    """The image that is shown, and where the kinds of its metadata items are."""
    meta = find_box(content, 0, len(content), b"meta")
    if meta is None:
        raise refusal(_DAMAGED)
    boxes = {kind: (first, end) for kind, first, end in find_boxes(content, meta[0] + 4, meta[1])}
    if not {b"pitm", b"iprp"} <= boxes.keys():
        raise refusal(_DAMAGED)
    first, _ = boxes[b"pitm"]
    primary = int.from_bytes(content[first + 4:first + (6 if content[first] == 0 else 8)])
    properties = _properties(content, *boxes[b"iprp"])
    associated = _associations(content, *boxes[b"iprp"]).get(primary, [])
    own = [properties[number] for number in associated if number in properties]
    sizes = [_extents(content, place) for kind, *place in properties.values() if kind == b"ispe"]
    shown = [_extents(content, place) for kind, *place in own if kind == b"ispe"]
    if not shown:
        raise refusal(_DAMAGED)
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
    """Kind and place of each property, by the number that items refer to it by."""
    place = find_box(content, start, end, b"ipco")
    return dict(enumerate(find_boxes(content, *place), start=1)) if place else {}


def _associations(content: bytes, start: int, end: int) -> dict[int, list[int]]:
    """The numbers of the properties of each item (section 9.3.2)."""
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
        mask = 0x7FFF if is_wide else 0x7F  # the highest bit says that the property is essential
        numbers = [int.from_bytes(content[at + i * step:at + (i + 1) * step]) & mask for i in range(n_properties)]
        found.setdefault(item, numbers)
        at += step * n_properties
    return found


def _items(content: bytes, boxes: dict[bytes, tuple[int, int]]) -> list[tuple[int, int]]:
    """Where the data of each item begins and ends (section 8.11.3 of 14496-12)."""
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
        is_inside = version > 0 and take(2) & 15 == 1  # in the box idat
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
    start = place[0]
    return int.from_bytes(content[start + 4:start + 8]), int.from_bytes(content[start + 8:start + 12])


def _colors(content: bytes, own: list[tuple[bytes, int, int]]) -> tuple[bytes | None, Encoding | None]:
    """The ICC profile and, as codes of ITU-T H.273, the encoding; of both, the profile counts."""
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
    """Where the kinds of the items that hold EXIF, XMP and the like are."""
    if place is None:
        return []
    start, end = place
    found = []
    for kind, first, _ in find_boxes(content, start + (6 if content[start] == 0 else 8), end):
        at = first + (8 if content[first] < 3 else 10)
        if kind == b"infe" and content[first] >= 2 and content[at:at + 4] in _METADATA_ITEMS:
            found.append(at)
    return found
