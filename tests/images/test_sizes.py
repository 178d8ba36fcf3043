"""Sizes of images from their headers."""

import io

import numpy as np
import pytest
from PIL import Image

from twoflow.images import LoadedImage
from twoflow.images.sizes import read_sizes

from .hostile import UNREADABLE


def encode(size, format="PNG", orientation=1):
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.new("RGB", size, (9, 99, 199)).save(file, format, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_sizes_are_those_of_decoded_images(format, orientation, tmp_path):
    content = encode((30, 20), format, orientation)
    (tmp_path / "a").write_bytes(content)
    pixels = np.zeros((7, 5, 3), np.uint8)
    images = [content, tmp_path / "a", str(tmp_path / "a"), Image.open(io.BytesIO(content)), pixels]
    assert read_sizes(images).tolist() == [list(LoadedImage(image).size) for image in images]


def test_nothing_is_decoded(monkeypatch):
    def load(image):
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    assert read_sizes([encode((30, 20))]).tolist() == [[30, 20]]


def test_images_that_cannot_be_read_are_left_out(tmp_path):
    unreadable = [tmp_path / "none", tmp_path, b"", b"no image", np.zeros(3), None]
    assert read_sizes([*unreadable, encode((30, 20))]).tolist() == [[30, 20]]
    assert read_sizes(unreadable).shape == read_sizes([]).shape == (0, 2)
    hostile = {name: read_sizes([content]).tolist() for name, (content, _) in UNREADABLE.items()}
    assert hostile["truncated"] == [[200, 150]] and hostile["postscript"] == hostile["text"] == []


def test_some_images_are_spread_evenly():
    images = [np.zeros((1, width, 3), np.uint8) for width in range(1, 102)]
    assert read_sizes(images, n_most=5)[:, 0].tolist() == [1, 26, 51, 76, 101]
    assert len(read_sizes(images)) == 101
