"""Convert colors to sRGB, as image viewers do."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from twoflow.images import LoadedImage, color, read_image
from twoflow.images.color import ADOBE_RGB, SRGB, Encoding, encoding_of_codes, matrix_profile

from .bombs import png_chunk
from .hostile import encoded, photo

P3 = encoding_of_codes(12, 13)
PROPHOTO = Encoding((0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001), 1.8)
SWAPPED = Encoding((0.3127, 0.3290, 0.15, 0.06, 0.64, 0.33, 0.30, 0.60), 2.2)  # red and blue are swapped
COLORS = np.array([
    [255, 255, 255], [0, 0, 0], [128, 128, 128], [200, 60, 70], [80, 170, 100], [70, 80, 190],
    [220, 210, 90], [90, 70, 60],
])


def expected_numbers(encoding, srgb=COLORS):
    """Compute the values of sRGB colors in another encoding, from the definitions of both."""
    def to_xyz(chromaticities):
        x, y = np.array(chromaticities[::2]), np.array(chromaticities[1::2])
        white, colors = np.array([x[0], y[0], 1 - x[0] - y[0]]) / y[0], np.array([x[1:], y[1:], 1 - x[1:] - y[1:]])
        return colors * np.linalg.solve(colors, white), white

    matrix, white = to_xyz(SRGB.chromaticities)
    other, other_white = to_xyz(encoding.chromaticities)
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    adapt = np.linalg.inv(bradford) @ np.diag(bradford @ other_white / (bradford @ white)) @ bradford
    value = srgb / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    linear = np.clip(light @ (np.linalg.inv(other) @ adapt @ matrix).T, 0, 1)
    if encoding.gamma is None:
        numbers = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    else:
        numbers = linear ** (1 / encoding.gamma)
    return np.rint(numbers * 255).astype(np.uint8)


def image_of(numbers):
    return Image.fromarray(np.repeat(np.asarray(numbers, np.uint8)[:, None], 3, axis=1))


def difference(content):
    return np.abs(read_image(content)[:, 1].astype(int) - COLORS)


@pytest.mark.parametrize("kind, options", [
    ("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True}),
    ("AVIF", {"quality": 100}),
    ("JPEG", {"quality": 100, "subsampling": 0}),
], ids=lambda value: str(value))
@pytest.mark.parametrize("encoding", [P3, ADOBE_RGB, PROPHOTO, SWAPPED], ids=["P3", "Adobe RGB", "ProPhoto", "swapped"])
def test_embedded_profiles_are_applied(encoding, kind, options):
    numbers = np.repeat(expected_numbers(encoding), 16, axis=0)  # blocks of one color, which JPEG and AVIF preserve
    image = Image.fromarray(np.repeat(numbers[:, None], 16, axis=1))
    content = encoded(image, kind, icc_profile=matrix_profile(encoding), **options)
    found = read_image(content)[8::16, 8].astype(int)
    # A step of one in ProPhoto's values is up to 3 levels in sRGB. Lossy formats add their own error.
    assert np.abs(found - COLORS).max() <= (2 if kind in ("PNG", "TIFF", "WEBP") else 12) + 3 * (encoding is PROPHOTO)
    assert LoadedImage(content).color_profile == "converted"


def test_conversion_agrees_with_littlecms():
    """A profile swaps red and blue; LittleCMS gives the expected result."""
    red = image_of([[0, 220, 0]])
    content = encoded(red, "PNG", icc_profile=matrix_profile(SWAPPED))
    expected = ImageCms.profileToProfile(
        red, ImageCms.ImageCmsProfile(io.BytesIO(matrix_profile(SWAPPED))), ImageCms.createProfile("sRGB")
    )
    assert (read_image(content) == np.asarray(expected)).all()
    assert read_image(content)[0, 0, 0] > 200 and read_image(content)[0, 0, 2] < 30


@pytest.mark.parametrize(
    "profile", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), matrix_profile(SRGB)]
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_srgb_pixels_are_unchanged(profile, kind):
    content = encoded(photo(), kind, icc_profile=profile)
    assert (read_image(content) == np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))).all()
    assert LoadedImage(content).color_profile == "sRGB"


@pytest.mark.parametrize("mode", ["L", "1"])
def test_rgb_profiles_apply_to_gray_images(mode):
    image = photo().convert(mode)
    content = encoded(image, "PNG", icc_profile=matrix_profile(SRGB))
    assert (read_image(content) == np.asarray(image.convert("RGB"))).all()
    linear = Encoding(SRGB.chromaticities, 1.0)
    found = read_image(encoded(Image.new("L", (2, 2), 55), "PNG", icc_profile=matrix_profile(linear)))[0, 0]
    assert found.tolist() == pytest.approx([127] * 3, abs=1)  # 55 / 255 in linear light


def gray_profile(gamma):
    """Make an ICC profile for gray with an exponent."""
    tags = [
        (b"desc", b"desc" + bytes(4) + struct.pack(">I", 2) + b"g\0" + bytes(78)),
        (b"wtpt", b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)),
        (b"kTRC", b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))),
    ]
    table, data, start = b"", b"", 132 + 12 * len(tags)
    for name, value in tags:
        table += struct.pack(">4sII", name, start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = struct.pack(
        ">I4xI4s4s4s6H4s28x3i", start + len(data), 0x02400000, b"mntr", b"GRAY", b"XYZ ", 2000, 1, 1, 0, 0, 0, b"acsp",
        63190, 65536, 54061,
    )
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + data


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_gray_gamma(mode):
    if mode == "I;16":
        image = Image.fromarray(np.full((3, 3), 128 * 257, np.uint16))
    else:
        image = Image.new(mode, (3, 3), 128 if mode == "L" else (128, 255))
    light = (128 / 255) ** 1.8
    expected = round(255 * (1.055 * light ** (1 / 2.4) - 0.055))
    found = read_image(encoded(image, "PNG", icc_profile=gray_profile(1.8)))
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_colors_are_converted_before_compositing_on_white():
    image = image_of(expected_numbers(P3)).convert("RGBA")
    image.putalpha(Image.fromarray(np.full((len(COLORS), 3), 128, np.uint8)))
    found = read_image(encoded(image, "PNG", icc_profile=matrix_profile(P3)))[:, 1]
    assert np.abs(found - (COLORS * 128 / 255 + 127)).max() <= 2


def test_palettes_are_converted():
    image = Image.new("P", (len(COLORS), 1))
    image.putpalette(expected_numbers(P3).tobytes())
    image.putdata(range(len(COLORS)))
    found = read_image(encoded(image, "PNG", icc_profile=matrix_profile(P3)))[0]
    assert np.abs(found.astype(int) - COLORS).max() <= 2
    gif = encoded(image, "GIF")
    profile = matrix_profile(P3)
    blocks = b"".join(bytes([len(part)]) + part for part in (profile[i:i + 255] for i in range(0, len(profile), 255)))
    start = gif.index(b",\0\0\0\0")
    content = gif[:start] + b"!\xff\x0bICCRGBG1012" + blocks + b"\0" + gif[start:]
    assert np.abs(read_image(content)[0].astype(int) - COLORS).max() <= 2


def test_lab_is_converted():
    image = Image.new("LAB", (1, 1), (137, 81 + 47, 70 + 58))  # L 53.7, a 0, b 0: middle gray
    found = read_image(encoded(image, "TIFF"))[0, 0]
    assert np.abs(found.astype(int) - 128).max() <= 2
    red = Image.new("LAB", (1, 1), (136, 208, 195))  # L 53.3, a 80, b 67: sRGB's red
    assert np.abs(read_image(encoded(red, "TIFF"))[0, 0].astype(int) - [255, 0, 0]).max() <= 12


@pytest.mark.parametrize("profile", [
    b"no profile", matrix_profile(P3)[:200], gray_profile(1.8),
    matrix_profile(P3)[:16] + b"CMYK" + matrix_profile(P3)[20:],
    matrix_profile(P3)[:12] + b"scnr" + bytes(500), bytes(5 * 2**20),
], ids=["text", "truncated", "gray", "CMYK", "zeros", "too long"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_damaged_profiles_are_ignored_and_reported(profile, kind):
    content = encoded(photo(), kind, icc_profile=profile)
    assert (read_image(content) == np.asarray(Image.open(io.BytesIO(encoded(photo(), kind))))).all()
    assert LoadedImage(content).color_profile == "damaged"


def test_a_jpeg_profile_of_many_segments():
    lookup = matrix_profile(P3) + bytes(150_000)  # longer than one segment, like profiles of printing presses
    content = encoded(photo(), "JPEG", icc_profile=lookup)
    assert LoadedImage(content).color_profile == "converted"
    last = content.rindex(b"ICC_PROFILE\0") + len(b"ICC_PROFILE\0")
    for number in (0, 1, 9):  # with a wrong number, a segment is missing
        assert LoadedImage(content[:last] + bytes([number]) + content[last + 1:]).color_profile == "damaged"


def png_with(*chunks):
    content = encoded(image_of(expected_numbers(P3)), "PNG")
    return content[:33] + b"".join(png_chunk(*chunk) for chunk in chunks) + content[33:]


def chromaticities(encoding):
    return struct.pack(">8I", *(round(value * 100_000) for value in encoding.chromaticities))


@pytest.mark.parametrize("chunks, state", [
    ([(b"cICP", bytes([12, 13, 0, 1]))], "converted"),
    ([(b"cICP", bytes([1, 13, 0, 1]))], "sRGB"),
    ([(b"cICP", bytes([12, 13, 0, 1])), (b"iCCP", b"a\0\0" + zlib.compress(matrix_profile(SWAPPED)))], "converted"),
    ([(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", chromaticities(P3))], "converted"),
    ([(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", chromaticities(SRGB))], "sRGB"),
    ([(b"gAMA", struct.pack(">I", 45455))], "sRGB"),
    ([(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100_000))], "sRGB"),
    ([(b"gAMA", struct.pack(">I", 100_000))], "converted"),
    ([(b"gAMA", bytes(4)), (b"cHRM", bytes(32))], "none"),
    ([(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", struct.pack(">8I", *[33333] * 8))], "none"),
])
def test_color_chunks_of_png(chunks, state):
    content = png_with(*chunks)
    assert LoadedImage(content).color_profile == state
    if state != "converted":
        assert (read_image(content)[:, 1] == expected_numbers(P3)).all()
    elif chunks[0][0] == b"cICP":
        assert difference(content).max() <= 2
    elif len(chunks) == 2:  # P3's primaries, with an exponent of 2.2 instead of sRGB's curve
        assert difference(content).max() <= 8 and difference(content).mean() < 2


def test_adobe_rgb_by_exif():
    numbers = Image.fromarray(np.repeat(np.repeat(expected_numbers(ADOBE_RGB), 16, axis=0)[:, None], 16, axis=1))
    by_space, by_index = Image.Exif(), Image.Exif()
    by_space[0x0112] = by_index[0x0112] = 1
    by_space.get_ifd(0x8769)[0xA001] = 2
    by_index.get_ifd(0x8769)[0xA005] = {1: "R03"}
    for exif in (by_space, by_index):
        for kind in ("JPEG", "PNG", "WEBP"):
            options = {"quality": 100, "lossless": True, "subsampling": 0} if kind != "PNG" else {}
            content = encoded(numbers, kind, exif=exif, **options)
            assert LoadedImage(content).color_profile == "converted"
            assert np.abs(read_image(content)[8::16, 8].astype(int) - COLORS).max() <= 12
    srgb = Image.Exif()
    srgb.get_ifd(0x8769)[0xA001] = 1
    assert LoadedImage(encoded(numbers, "JPEG", exif=srgb)).color_profile == "none"


def test_bmp_headers_of_version_5():
    pixels = encoded(image_of(expected_numbers(P3)), "BMP")[54:]

    def bmp(kind, points=bytes(36), gammas=bytes(12), profile=b""):
        head = struct.pack("<IiiHHIIiiII", 124, 3, len(COLORS), 1, 24, 0, len(pixels), 0, 0, 0, 0) + bytes(16)
        head += struct.pack("<I", kind) + points + gammas
        head += struct.pack("<IIII", 4, 124 + len(pixels), len(profile), 0)
        return b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 124) + head + pixels + profile

    embedded = bmp(0x4D424544, profile=matrix_profile(P3))
    assert difference(embedded).max() <= 2
    assert LoadedImage(embedded[:-100]).color_profile == "damaged"
    assert LoadedImage(bmp(0x73524742)).color_profile == "sRGB"
    assert LoadedImage(bmp(0)).color_profile == "none"  # calibrated, but all values are zero
    x, y = np.array(P3.chromaticities[::2]), np.array(P3.chromaticities[1::2])
    colors = np.array([x[1:], y[1:], 1 - x[1:] - y[1:]])
    colors = (colors * np.linalg.solve(colors, np.array([x[0], y[0], 1 - x[0] - y[0]]) / y[0])).T
    points = struct.pack("<9i", *np.rint(colors.ravel() * 2**30).astype(int))
    calibrated = bmp(0, points, struct.pack("<3I", *[round(2.2 * 65536)] * 3))
    assert LoadedImage(calibrated).color_profile == "converted"
    assert difference(calibrated).max() <= 8 and difference(calibrated).mean() < 2


def nclx(content, primaries, transfer):
    """Change the color codes of an AVIF file."""
    at = content.index(b"nclx") + 4
    return content[:at] + struct.pack(">HH", primaries, transfer) + content[at + 4:]


def test_avif_codes():
    image = Image.fromarray(np.repeat(np.repeat(expected_numbers(P3), 16, axis=0)[:, None], 16, axis=1))
    content = encoded(image, "AVIF", quality=100, subsampling="4:4:4")
    assert np.abs(read_image(nclx(content, 12, 13))[8::16, 8].astype(int) - COLORS).max() <= 12
    assert LoadedImage(nclx(content, 1, 13)).color_profile == "sRGB"
    assert LoadedImage(nclx(content, 2, 2)).color_profile == "none"
    for transfer, name in ((16, "PQ"), (18, "HLG")):
        with pytest.raises(ValueError, match=rf"HDR \({name}\)"):
            read_image(nclx(content, 9, transfer))


def test_cmyk_profiles():
    """The profile is made here, because no CMYK profile may be shipped with the tests."""
    image = Image.new("CMYK", (2, 2), (0, 255, 255, 0))
    assert read_image(encoded(image, "TIFF")).tolist() == [[[255, 0, 0]] * 2] * 2
    profile = cmyk_profile()
    content = encoded(image, "TIFF", icc_profile=profile)
    assert LoadedImage(content).color_profile == "converted"
    assert np.abs(read_image(content)[0, 0].astype(int) - 118).max() <= 2  # any colored ink gives L 50, a 0, b 0
    assert np.abs(read_image(encoded(Image.new("CMYK", (2, 2)), "JPEG", icc_profile=profile))[0, 0] - 255.0).max() <= 2


def cmyk_profile():
    """Make an output profile: white without ink, middle gray with any colored ink, black with black ink."""
    def table(values):  # lut8Type with identity curves and a grid of two points per ink
        curves = bytes(range(256))
        identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
        return b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + curves * 4 + values + curves * 3

    grid = b"".join(
        bytes([0 if black else 128 if color else 255, 128, 128]) for color in range(8) for black in (0, 1)
    )
    tags = [
        (b"desc", b"desc" + bytes(4) + struct.pack(">I", 2) + b"c\0" + bytes(78)),
        (b"wtpt", b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)),
        (b"A2B0", table(grid)),
    ]
    index, data, start = b"", b"", 132 + 12 * len(tags)
    for name, value in tags:
        index += struct.pack(">4sII", name, start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = struct.pack(
        ">I4xI4s4s4s6H4s28x3i", start + len(data), 0x02400000, b"prtr", b"CMYK", b"Lab ", 2000, 1, 1, 0, 0, 0, b"acsp",
        63190, 65536, 54061,
    )
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + index + data


def test_pil_images_keep_their_profile():
    image = Image.open(io.BytesIO(encoded(image_of(expected_numbers(P3)), "PNG", icc_profile=matrix_profile(P3))))
    assert np.abs(read_image(image)[:, 1].astype(int) - COLORS).max() <= 2
    assert LoadedImage(image).color_profile == "converted"


def test_conversion_in_pieces_gives_the_same_pixels(monkeypatch):
    """Large images are converted in pieces."""
    from twoflow.images import pixels

    image = photo(150, 100).convert("RGBA")
    image.putalpha(photo(150, 100).convert("L"))
    contents = [
        encoded(image, "PNG", icc_profile=matrix_profile(P3)), encoded(image, "PNG"),
        encoded(photo(150, 100), "JPEG", icc_profile=matrix_profile(P3)),
        encoded(photo(150, 100).quantize(9), "PNG", transparency=2),
        encoded(Image.fromarray(np.asarray(photo(150, 100).convert("L")).astype(np.uint16) * 257), "TIFF"),
    ]
    expected = [read_image(content) for content in contents]
    monkeypatch.setattr(pixels, "_AT_ONCE", 5000)
    monkeypatch.setattr(pixels, "_PIECE", 1000)
    for content, whole in zip(contents, expected):
        assert (read_image(content) == whole).all()


def test_a_profile_is_parsed_once():
    color._conversion.cache_clear()
    content = encoded(photo(), "PNG", icc_profile=matrix_profile(P3))
    for _ in range(3):
        read_image(content)
    assert color._conversion.cache_info().misses == 1
