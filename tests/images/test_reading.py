"""Read one image from every kind of source, in every mode."""

import io
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from twoflow import ImageReadError
from twoflow.images import read_image

from .hostile import JPEG, UNREADABLE, encoded, photo


@pytest.mark.parametrize("convert", [bytes, lambda content: Image.open(io.BytesIO(content))], ids=["bytes", "PIL"])
def test_sources_give_the_same_pixels(tmp_path, convert):
    path = tmp_path / "ein Schuh - туфля - 靴.jpg"
    path.write_bytes(JPEG)
    expected = read_image(path)
    assert expected.shape == (30, 40, 3) and expected.dtype == np.uint8
    assert (read_image(str(path)) == expected).all()
    assert (read_image(convert(JPEG)) == expected).all()
    assert (read_image(expected) == expected).all()


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGB"])
def test_modes_become_rgb(mode):
    gray = Image.new("L", (5, 4), 255).convert("RGB").convert(mode)
    assert (read_image(encoded(gray, "TIFF")) == 255).all()


def test_transparency_is_composited_on_white():
    half = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    half.putpixel((1, 0), (0, 0, 0, 0))
    expected = [[[255, 0, 0], [255, 255, 255]]]
    assert read_image(encoded(half, "PNG")).tolist() == expected
    assert read_image(np.asarray(half)).tolist() == expected
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 9, 9, 9])
    palette.putpixel((1, 0), 1)
    assert read_image(encoded(palette, "PNG", transparency=1)).tolist() == expected
    gray = Image.new("LA", (1, 1), (0, 0))
    assert read_image(encoded(gray, "PNG")).tolist() == [[[255, 255, 255]]]


def test_16_bit_is_scaled_not_clipped():
    values = np.array([[0, 128, 257, 32896, 65535]], np.uint16)
    expected = [0, 0, 1, 128, 255]
    assert read_image(encoded(Image.fromarray(values), "PNG"))[0, :, 0].tolist() == expected
    assert read_image(values)[0, :, 1].tolist() == expected
    pgm = b"P5 5 1 65535\n" + values.astype(">u2").tobytes()
    assert read_image(pgm)[0, :, 2].tolist() == expected
    with pytest.raises(ImageReadError, match="32-bit"):
        read_image(encoded(Image.fromarray(np.array([[70_000]], np.int32)), "TIFF"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation):
    upright = photo()
    turn = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90",
            7: "TRANSVERSE", 8: "ROTATE_270"}.get(orientation)
    stored = upright.transpose(Image.Transpose[turn]) if turn else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert (read_image(encoded(stored, "PNG", exif=exif)) == np.asarray(upright)).all()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_leaves_the_pixels_unchanged():
    content = encoded(photo(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xffgarbage")
    assert (read_image(content) == read_image(JPEG)).all()


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (3, 3), color) for color in ("red", "blue")]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.abs(read_image(gif)[0, 0] - [255.0, 0, 0]).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (10_000, 10), (1, 500)])
def test_extreme_sizes(size):
    assert read_image(encoded(photo(*size), "PNG")).shape == (size[1], size[0], 3)


@pytest.mark.parametrize("content, reason", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_files(tmp_path, content, reason):
    path = tmp_path / "shoe.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageReadError, match=reason) as caught:
        read_image(path)
    assert caught.value.name == str(path)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ImageReadError, match="no such file"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(ImageReadError, match="is a directory"):
        read_image(tmp_path)


@pytest.mark.parametrize(
    "source", [np.zeros((2, 2)), np.zeros((2, 2, 5), np.uint8), np.zeros((0, 2, 3), np.uint8), np.zeros(3, np.uint8), 7]
)
def test_invalid_sources(source):
    with pytest.raises(ImageReadError):
        read_image(source)


def test_the_error_can_be_pickled():
    error = pickle.loads(pickle.dumps(ImageReadError("a.jpg", "the file is empty")))
    assert (error.name, error.reason) == ("a.jpg", "the file is empty")
    assert str(error) == "cannot read a.jpg: the file is empty"


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, len(JPEG) - 1), value=st.integers(0, 255), length=st.integers(1, len(JPEG)))
def test_damaged_bytes_give_an_image_or_an_image_read_error(position, value, length):
    content = bytearray(JPEG)
    content[position] = value
    try:
        assert read_image(bytes(content[:length])).dtype == np.uint8
    except ImageReadError:
        pass


@pytest.mark.parametrize("folder", ["sneakers/images", "matos/train"])
def test_every_real_photo_can_be_read(data, folder):
    paths = [path for path in (data / folder).rglob("*") if path.is_file()]
    assert len(paths) > 700
    for path in paths:
        assert read_image(path).shape[2] == 3


def test_channels_first_arrays_get_a_remedy():
    with pytest.raises(ImageReadError, match=r"got \(3, 20, 30\); its channels are first: pass image.transpose"):
        read_image(np.zeros((3, 20, 30), np.uint8))
