"""Scale samples of every range and depth to 8 bits, as the file declares them."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from twoflow import ImageReadError
from twoflow.images import read_image

from .bombs import png_chunk
from .hostile import encoded, photo

GRAY = np.array([[0, 1, 100, 128, 200, 255]], np.uint8)


def tiff(pixels, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def column(content):
    return read_image(content)[0, :, 0].tolist()


@pytest.mark.parametrize("byteorder, bigtiff", [("<", False), (">", False), ("<", True)])
def test_16_bit_tiff(byteorder, bigtiff):
    pixels = GRAY.astype(np.uint16) * 257
    for content in (tiff(pixels, byteorder=byteorder, bigtiff=bigtiff, photometric="minisblack"),
                    tiff(np.repeat(pixels[..., None], 3, 2), byteorder=byteorder, bigtiff=bigtiff, photometric="rgb")):
        assert column(content) == GRAY[0].tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero(dtype):
    pixels = (255 - GRAY).astype(dtype) * (257 if dtype == np.uint16 else 1)
    assert column(tiff(pixels, photometric="miniswhite")) == GRAY[0].tolist()


def test_12_bit_tiff():
    values = [0, 16, 1000, 2048, 4080, 4095]
    packed = bytearray()
    for first, second in zip(values[::2], values[1::2]):
        packed += bytes([first >> 4, (first & 15) << 4 | second >> 8, second & 255])
    entries = [(256, 6), (257, 1), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, len(packed))]
    content = b"II*\0" + struct.pack("<I", 8 + len(packed) + 1) + packed + b"\0" + struct.pack("<H", len(entries))
    content += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries) + bytes(4)
    assert column(content) == [round(value * 255 / 4095) for value in values]


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_per_sample(bits):
    white = (1 << bits) - 1
    values = np.arange(8, dtype=np.uint8)[None] % (white + 1)
    expected = [round(value * 255 / white) for value in values[0].tolist()]
    packed = bytes(
        sum(int(v) << (8 - bits * (i + 1)) for i, v in enumerate(values[0, start:start + 8 // bits]))
        for start in range(0, 8, 8 // bits)
    )
    entries = [(256, 8), (257, 1), (258, bits), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, len(packed))]
    content = b"II*\0" + struct.pack("<I", 8 + len(packed) + len(packed) % 2) + packed + bytes(len(packed) % 2)
    content += struct.pack("<H", len(entries))
    content += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries) + bytes(4)
    assert column(content) == expected


@pytest.mark.parametrize("dtype, word", [
    (np.int8, "signed"), (np.int16, "signed"), (np.uint32, "32-bit"), (np.int32, "32-bit"),
    (np.float32, "floating-point"),
    (np.float16, "floating-point"), (np.float64, "floating-point"),
])
def test_samples_without_a_fixed_white_are_refused(dtype, word):
    with pytest.raises(ImageReadError, match=word):
        read_image(tiff(np.ones((4, 4), dtype), photometric="minisblack"))


def test_premultiplied_alpha():
    """Half-transparent red on white is pink, whether the file stores it premultiplied or not."""
    straight = np.full((4, 4, 4), (255, 0, 0, 128), np.uint8)
    halved = np.full((4, 4, 4), (128, 0, 0, 128), np.uint8)
    for pixels, kind in ((straight, "unassalpha"), (halved, "assocalpha")):
        found = read_image(tiff(pixels, photometric="rgb", extrasamples=[kind]))[0, 0]
        assert np.abs(found.astype(int) - [255, 127, 127]).max() <= 1
    gray = Image.new("LA", (4, 4), (0, 128))
    assert np.abs(read_image(encoded(gray, "TIFF"))[0, 0].astype(int) - 127).max() <= 1
    assert np.abs(read_image(tiff(np.full((4, 4, 2), (0, 128), np.uint8), photometric="minisblack",
                                  extrasamples=["assocalpha"]))[0, 0].astype(int) - 127).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_a_turned_tiff_is_turned_once(orientation, compression):
    upright = photo()
    turn = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90",
            7: "TRANSVERSE", 8: "ROTATE_270"}.get(orientation)
    stored = upright.transpose(Image.Transpose[turn]) if turn else upright
    content = encoded(stored, "TIFF", compression=compression, tiffinfo={0x0112: orientation})
    assert (read_image(content) == np.asarray(upright)).all()
    assert (read_image(Image.open(io.BytesIO(content))) == np.asarray(upright)).all()


@pytest.mark.parametrize("kind", [b"P2", b"P5"])
@pytest.mark.parametrize("white", [1, 15, 100, 200, 254, 255, 256, 1000, 4095, 65534, 65535])
def test_gray_pixmaps_with_any_value_of_white(kind, white):
    values = np.linspace(0, white, 7).round().astype(int)
    data = b" ".join(b"%d" % value for value in values) if kind == b"P2" else values.astype(
        np.uint8 if white < 256 else ">u2").tobytes()
    found = column(b"%s\n# by hand\n7 1 %d\n" % (kind, white) + data)
    assert np.abs(np.array(found) - values * 255 / white).max() <= 0.51
    assert (found[0], found[-1]) == (0, 255)


@pytest.mark.parametrize("white", [15, 255, 1023, 65535])
def test_color_pixmaps_with_any_value_of_white(white):
    values = np.linspace(0, white, 6).round().astype(int)
    expected = (values * 255 / white).reshape(2, 3)
    plain = b"P3 2 1 %d\n" % white + b"\n".join(b"%d" % value for value in values)
    binary = b"P6 2 1 %d\n" % white + values.astype(np.uint8 if white < 256 else ">u2").tobytes()
    for content in (plain, binary):
        assert np.abs(read_image(content)[0] - expected).max() <= 0.51


def test_bitmaps():
    expected = [0, 255, 255, 0, 0, 255, 255, 255, 0]
    assert column(b"P1 # bits\n9 1\n1 0 0 1\n1000 1") == expected
    assert column(b"P4\n# bits\n9 1\n" + bytes([0b10011000, 0b10000000])) == expected


@pytest.mark.parametrize("content, reason", [
    (b"P2 2 1 255\n1 x", "not a number"), (b"P2 2 1 255\n1 256", "white is 255"), (b"P2 2 1 255\n1", "truncated"),
    (b"P5 2 1 100\n1", "truncated"), (b"P5 2 1 0\n11", "white"), (b"P5 2 1 70000\n1111", "white"),
    (b"P1 2 1\n12", "neither"),
    (b"P2 2 1 255\n1 -2", "not a number"), (b"P6 2", "header"), (b"Pf 1 1 -1.0\n1234", "floating-point"),
])
def test_damaged_pixmaps(content, reason):
    with pytest.raises(ImageReadError, match=reason):
        read_image(content)


def test_16_bit_png_colors():
    pixels = np.repeat(GRAY[..., None], 3, 2)
    lines = b"\0" + (pixels.astype(">u2") * 257).tobytes()
    content = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 6, 1, 16, 2, 0, 0, 0))
    transparent = png_chunk(b"tRNS", struct.pack(">3H", *[100 * 257] * 3))
    end = png_chunk(b"IDAT", zlib.compress(lines)) + png_chunk(b"IEND", b"")
    assert column(content + end) == GRAY[0].tolist()
    assert column(content + transparent + end) == [0, 1, 255, 128, 200, 255]


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_the_transparent_gray_of_a_png(bits):
    white = (1 << bits) - 1
    line = {1: b"\x40", 2: b"\x1b", 4: b"\x05\xaf", 8: bytes([0, 85, 170, 255]), 16: struct.pack(
        ">4H", 0, 85 * 257, 170 * 257, 65535)}[bits]
    width = 2 if bits == 1 else 4
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, 1, bits, 0, 0, 0, 0)),
        (b"tRNS", struct.pack(">H", white // 3 if bits > 1 else 0)),
        (b"IDAT", zlib.compress(b"\0" + line)), (b"IEND", b""),
    ]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)
    assert column(content) == ([255, 255] if bits == 1 else [0, 255, 170, 255])


def test_jpeg_2000_of_16_bits():
    pixels = np.tile(GRAY.astype(np.uint16) * 257, (6, 1))
    assert column(encoded(Image.fromarray(pixels), "JPEG2000")) == GRAY[0].tolist()


def jpeg_2000(depth, values):
    """Make a gray file with 8-bit samples, and write another bit depth into its header."""
    content = encoded(Image.fromarray(np.tile(np.array([values], np.uint8), (8, 1))), "JPEG2000", no_jp2=True)
    return content[:42] + bytes([depth]) + content[43:]


def test_jpeg_2000_of_signed_samples():
    with pytest.raises(ImageReadError, match="signed"):
        read_image(jpeg_2000(0x87, [0] * 8))
    assert read_image(jpeg_2000(7, [128] * 8)).shape == (8, 8, 3)


def test_jpeg_2000_in_an_unknown_color_space():
    content = encoded(photo(), "JPEG2000")
    at = content.index(b"colr") + 7
    with pytest.raises(ImageReadError, match="color space 14"):
        read_image(content[:at] + struct.pack(">I", 14) + content[at + 4:])
