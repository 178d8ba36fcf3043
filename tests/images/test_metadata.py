"""Read images with damaged metadata and intact pixels."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from twoflow.images import LoadedImage, read_image
from twoflow.images.exif import Exif, read_exif

from .bombs import gray_tags, png_chunk, segment, tiff, with_segments
from .hostile import encoded, photo

PIXELS = np.asarray(photo())


def broken_chunk(kind, content):
    chunk = png_chunk(kind, content)
    return chunk[:-4] + b"\0\0\0\1"


@pytest.mark.parametrize("chunk", [
    png_chunk(b"iCCP", b"a\0\0" + zlib.compress(np.random.default_rng(0).bytes(1_100_000))),
    png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"step;" * 300_000)), png_chunk(b"iCCP", b"a\0\1zip"),
    png_chunk(b"zTXt", b"a\0\0no zip"), broken_chunk(b"tEXt", b"a\0b"), broken_chunk(b"gAMA", bytes(4)),
    png_chunk(b"iTXt", b"a"),
    png_chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + bytes(40)), png_chunk(b"pHYs", bytes(4)), png_chunk(b"gAMA", b"\0"),
    png_chunk(b"cHRM", bytes(5)), png_chunk(b"sRGB", b""), png_chunk(b"acTL", bytes(8)), png_chunk(b"fcTL", bytes(3)),
    png_chunk(b"teST", b""), png_chunk(b"tEXt", b"\xff" * 100) * 5_000, png_chunk(b"cICP", bytes(3)),
])
@pytest.mark.parametrize("is_before", [True, False])
def test_png(chunk, is_before):
    content = encoded(photo(), "PNG")
    at = 33 if is_before else len(content) - 12
    assert (read_image(content[:at] + chunk + content[at:]) == PIXELS).all()


@pytest.mark.parametrize("segments", [
    segment(0xE1, b"Exif\0\0" + bytes(9)), segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff"),
    segment(0xE2, b"MPF\0" + bytes(50)),
    segment(0xE2, b"ICC_PROFILE\0"), segment(0xE2, b"ICC_PROFILE\0\7\3abc"),
    segment(0xED, b"Photoshop 3.0\0" + b"8BIM" * 9),
    segment(0xFE, b"") * 1_000, segment(0xE0, b"JFXX\0\x13" + bytes(30)), segment(0xEF, bytes(65_533)),
    segment(0xE1, b""),
])
def test_jpeg(segments):
    content = encoded(photo(), "JPEG")
    assert (read_image(with_segments(content, segments)) == read_image(content)).all()


def test_webp():
    described = {"icc_profile": b"no profile", "exif": b"Exif\0\0" + bytes(5), "xmp": bytes(9)}
    content = encoded(photo(), "WEBP", lossless=True, **described)
    assert (read_image(content) == PIXELS).all()
    assert LoadedImage(content).color_profile == "damaged"


def test_gif():
    content = encoded(photo().quantize(32), "GIF")
    at = content.index(b",\0\0\0\0")
    expected = read_image(content)
    for extension in (
        b"!\xfe\0", b"!\xfe\3abc\0" * 2_000, b"!\xff\x0bICCRGBG1012\3abc\0", b"!\x01\2ab\0",
        b"!\xff\x0bNETSCAPE2.0\1\1\0",
    ):
        assert (read_image(content[:at] + extension + content[at:]) == expected).all()


@pytest.mark.parametrize("tag, entry", [
    (270, (2, 10**9, 8)), (305, (2, 50, 10**9)), (700, (1, 2**32 - 1, 8)), (34665, (4, 1, 10**9)), (282, (5, 1, 10**9)),
    (33723, (99, 3, 8)), (34675, (7, 100, 10**9)), (65000, (12, 2**29, 8)), (34853, (4, 1, 8)),
])
def test_tiff(tag, entry):
    pixels = bytes(range(100))
    content = tiff(gray_tags(10, 10) | {tag: entry}, pixels)
    assert (read_image(content)[:, :, 0].ravel() == np.arange(100)).all()


def test_avif():
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    content = encoded(photo(), "AVIF", exif=exif)
    at = content.rindex(b"MM\0*")
    assert (read_image(content[:at + 4] + b"\xff" * 4 + content[at + 8:]) == read_image(content)).all()


def test_jpeg_2000():
    content = encoded(photo(), "JPEG2000")
    at = content.index(b"jp2c") - 4
    for box in (b"\0\0\0\x08xml ", b"\0\0\0\x10uuid" + bytes(8)):
        assert (read_image(content[:at] + box + content[at:]) == PIXELS).all()


@pytest.mark.parametrize("block", [
    b"", b"MM", b"Exif\0\0", b"XX\0*\0\0\0\x08", b"MM\0*\xff\xff\xff\xff" + bytes(9), b"II*\0\x08\0\0\0\xff\xff",
    b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x0112, 3, 1, 77),
    b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x0112, 2, 1, 6),
    b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x8769, 4, 1, 8),
    b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x0112, 3, 9, 6),
])
def test_damaged_exif_gives_the_defaults(block):
    assert read_exif(block) == Exif(1, False)


@pytest.mark.parametrize("order", "<>")
def test_exif(order):
    def entries(*these):
        return struct.pack(order + "H", len(these)) + b"".join(struct.pack(order + "HHI4s", *each) for each in these)

    def number(code, value):
        return struct.pack(order + code, value).ljust(4, b"\0")

    head = (b"II*\0" if order == "<" else b"MM\0*") + number("I", 8)
    main = entries((0x0112, 3, 1, number("H", 8)), (0x8769, 4, 1, number("I", 34)))
    for inner in (entries((0xA001, 3, 1, number("H", 2))),
                  entries((0xA005, 4, 1, number("I", 48))) + entries((1, 2, 4, b"R03\0"))):
        assert read_exif(head + main + inner) == read_exif(b"Exif\0\0" + head + main + inner) == Exif(8, True)


def test_the_first_frame_of_an_animated_png_and_webp_and_avif():
    for kind in ("PNG", "WEBP", "AVIF"):
        content = encoded(photo(), kind, save_all=True, append_images=[photo().rotate(180)], lossless=True, quality=100)
        assert np.abs(read_image(content).astype(int) - PIXELS).mean() < 3
