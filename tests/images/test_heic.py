"""Read HEIC with the extra twoflow[heic]."""

import io
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from twoflow import ImageReadError
from twoflow.images import LoadedImage, formats, read_image
from twoflow.images.color import ADOBE_RGB, matrix_profile

from ..lanes import unavailable
from .hostile import photo


@pytest.fixture(autouse=True)
def reader():
    if find_spec("pillow_heif") is None:
        unavailable("needs pillow-heif: the extra heic")
    assert formats.has_heif()


def heic(image, **options):
    file = io.BytesIO()
    image.save(file, "HEIF", quality=-1, chroma=444, **options)  # -1: lossless, except for the conversion to YCbCr
    return file.getvalue()


def difference(found, expected):
    return np.abs(found.astype(int) - np.asarray(expected)).max()


def test_pixels(tmp_path):
    content = heic(photo())
    path = tmp_path / "shoe.heic"
    path.write_bytes(content)
    assert difference(read_image(content), photo()) <= 3
    assert (read_image(path) == read_image(content)).all()
    image = LoadedImage(content)
    assert (image.format, image.size) == ("HEIF", (40, 30))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(orientation):
    turn = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90",
            7: "TRANSVERSE", 8: "ROTATE_270"}.get(orientation)
    stored = photo().transpose(Image.Transpose[turn]) if turn else photo()
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert difference(read_image(heic(stored, exif=exif.tobytes())), photo()) <= 3


def test_transparency_is_composited_on_white():
    image = photo().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    assert (read_image(heic(image)) == 255).all()


def test_a_profile_is_converted():
    gray = Image.new("RGB", (16, 16), (40, 200, 90))
    plain, tagged = read_image(heic(gray))[8, 8], LoadedImage(heic(gray, icc_profile=matrix_profile(ADOBE_RGB)))
    assert tagged.color_profile == "converted"
    # Adobe RGB's green is outside sRGB, where red is clipped to 0.
    found = np.asarray(tagged.rgb)[8, 8]
    assert found[0] < plain[0] - 20 and found[1] >= plain[1] - 2


def test_too_large_and_damaged():
    with pytest.raises(ImageReadError, match="memory|pixels|seconds"):
        read_image(heic(Image.new("RGB", (7000, 6000))))
    content = heic(photo())
    with pytest.raises(ImageReadError):
        read_image(content[:len(content) // 2])
