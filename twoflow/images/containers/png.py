"""Take PNG (third edition) apart: keep the chunks that decoding needs, and read those that describe the colors."""

from __future__ import annotations

import struct
import zlib
from itertools import count

from ..color import SRGB, Encoding, encoding_of_codes, encoding_of_primaries
from ..errors import damaged, refusal
from ..exif import Exif, read_exif
from .container import MOST_PARTS, TOO_MANY_PARTS, Container

_SIGNATURE_SIZE, _FRAME = 8, 12  # bytes; a frame is the length, type and checksum of a chunk
_PIXELS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT"))
_DESCRIBING = frozenset((b"iCCP", b"cICP", b"gAMA", b"cHRM", b"sRGB", b"eXIf"))
_MOST_PROFILE = 4 * 2**20  # bytes
_GRAY, _RGB, _PALETTE, _GRAY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_BYTES = {_GRAY: 1, _RGB: 4, _PALETTE: 1, _GRAY_ALPHA: 4, _RGBA: 4}  # bytes per pixel in Pillow's memory
_SAMPLES = {_GRAY: 1, _RGB: 3, _PALETTE: 1, _GRAY_ALPHA: 2, _RGBA: 4}


def take_apart(content: bytes) -> Container:
    """Keep the header, the palette, the transparent color and the pixels; an animation keeps its first frame.

    A chunk that describes the colors is ignored if its checksum is wrong.

    Raises
    ------
    ImageReadError
        If the header is missing or damaged, or there are too many chunks.
    """
    kept: list[bytes | memoryview] = [content[:_SIGNATURE_SIZE]]
    described: dict[bytes, bytes] = {}
    has_profile = False
    header, transparent = b"", b""
    at, view, is_cut = _SIGNATURE_SIZE, memoryview(content), False
    for n_chunks in count():
        if at + 8 > len(content):
            break
        if n_chunks == MOST_PARTS:
            raise refusal(TOO_MANY_PARTS)
        size = int.from_bytes(content[at:at + 4])
        kind, end = content[at + 4:at + 8], at + _FRAME + size
        is_cut = end > len(content)
        if kind in _PIXELS:
            kept.append(view[at:end])
        elif kind in _DESCRIBING and not is_cut:
            has_profile |= kind == b"iCCP"
            if kind not in described and zlib.crc32(view[at + 4:end - 4]) == int.from_bytes(content[end - 4:end]):
                described[kind] = content[at + 8:end - 4]
        if kind == b"IHDR":
            header = header or content[at + 8:end - 4]
        elif kind == b"tRNS":
            transparent = content[at + 8:end - 4]
        elif kind == b"IEND":
            break
        at = end
    if not is_cut:  # after a truncated chunk, the decoder would read this as pixels
        kept.append(b"\0\0\0\0IEND\xaeB`\x82")
    if len(header) < 13:
        raise damaged("no PNG header")
    width, height, depth, kind = struct.unpack_from(">IIBB", header)
    profile = _unpack_profile(described.get(b"iCCP"))
    encoding = _encoding(described)
    memory = width * height * (2 if (kind, depth) == (_GRAY, 16) else _BYTES.get(kind, 4))
    memory += 3 * width * _SAMPLES.get(kind, 4) * max(1, depth // 8)  # row buffers of the decoder
    return Container(
        b"".join(kept), (width, height), memory,
        profile=None if encoding and b"cICP" in described else profile,  # cICP has priority (section 4.3)
        is_profile_damaged=has_profile and profile is None,
        encoding=encoding, exif=read_exif(described[b"eXIf"]) if b"eXIf" in described else Exif(),
        transparent=_transparent(kind, depth, transparent),
    )


def _unpack_profile(chunk: bytes | None) -> bytes | None:
    """Decompress the profile of an iCCP chunk; None if it is damaged or larger than `_MOST_PROFILE`."""
    if chunk is None:
        return None
    _, _, rest = chunk.partition(b"\0")
    if rest[:1] != b"\0":  # zlib, the only compression method
        return None
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(rest[1:], _MOST_PROFILE)
    except zlib.error:
        return None
    return profile if unpacker.eof else None


def _encoding(chunks: dict[bytes, bytes]) -> Encoding | None:
    """Return the encoding of the chunks, in order of priority: cICP, sRGB, gAMA with cHRM."""
    if len(chunks.get(b"cICP", b"")) == 4:
        primaries, transfer = chunks[b"cICP"][:2]
        found = encoding_of_codes(primaries, transfer)
        if found is not None:
            return found
    if b"sRGB" in chunks:
        return SRGB
    if len(chunks.get(b"gAMA", b"")) != 4:
        return None
    gamma = int.from_bytes(chunks[b"gAMA"]) / 100_000
    values = struct.unpack(">8I", chunks[b"cHRM"]) if len(chunks.get(b"cHRM", b"")) == 32 else None
    return encoding_of_primaries(values and tuple(value / 100_000 for value in values), gamma)


def _transparent(kind: int, depth: int, chunk: bytes) -> int | tuple[int, ...] | None:
    """Return the transparent value on Pillow's scale; None if tRNS needs no correction."""
    if kind == _GRAY and len(chunk) >= 2:
        value = int.from_bytes(chunk[:2]) & (1 << depth) - 1
        return value if depth == 16 else value * 255 // ((1 << depth) - 1)
    if kind == _RGB and depth == 16 and len(chunk) >= 6:
        return tuple(chunk[:6:2])  # Pillow keeps the upper byte of 16-bit colors
    return None
