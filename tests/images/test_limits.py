"""Limit memory and time, whatever a file declares and however it is damaged."""

import pytest
from PIL import Image

from twoflow import ImageReadError
from twoflow.images import LoadedImage, read_image

from .bombs import BOMBS, MOST_BYTES, MOST_SECONDS, measure
from .fuzz import read
from .hostile import decompression_bomb, encoded
from .mutants import SEEDS, mutant, whole

#: The files of `BOMBS` that ask for the most. The script `bombs.py` reads all.
MEASURED = (
    "png with 3 million pixel chunks", "jpeg of 2,000 scans, 10 megapixels",
    "webp with a canvas of 49 megapixels", "gif with 20 million comments", "ppm of 400 MB",
    "pgm with 20 million comments", "bmp, run-length, large steps",
    "tiff with a tile of 3,600 megapixels", "tiff with 60,000 strips", "jpeg 2000 of 64 megapixels",
    "jpeg 2000 of 65,000 tiles", "jpeg 2000 with small code blocks", "avif of a small size, a large frame",
)


@pytest.mark.parametrize("name", MEASURED)
def test_bombs(name, tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(BOMBS[name]())
    found = measure(path)
    assert not found["what"].startswith("DIED")
    assert found["memory"] < MOST_BYTES
    assert found["seconds"] < 4 * MOST_SECONDS  # minutes without a limit; the machine may be busy


@pytest.mark.parametrize("name", SEEDS)
def test_mutants(name):
    assert read(whole(name)) == "image"
    for seed in range(60):
        read(mutant(name, seed))


def test_the_pixel_limit_can_be_lowered(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "JPEG2000", "PPM", "AVIF"):
        with pytest.raises(ImageReadError, match="limit of 10,000 .PIL"):
            read_image(encoded(Image.new("RGB", (101, 100)), kind))
        assert read_image(encoded(Image.new("RGB", (100, 100)), kind)).shape == (100, 100, 3)


def test_memory_is_limited_without_a_pixel_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(ImageReadError, match="needs about 10,000 MB of memory, more than the limit of 405 MB"):
        read_image(decompression_bomb(50_000))


def test_a_photo_of_50_megapixels_is_read():
    image = Image.new("RGB", (8160, 6144), (200, 10, 30))
    for progressive in (False, True):
        content = encoded(image, "JPEG", progressive=progressive)
        assert LoadedImage(content).resized((8, 8)).shape == (8, 8, 3)


def test_stretching_a_long_row_of_pixels_is_refused():
    content = encoded(Image.new("L", (1_000_000, 1)), "PNG")
    assert read_image(content).shape == (1, 1_000_000, 3)
    with pytest.raises(ImageReadError, match="stretching 1,000,000 x 1 pixels to 224 x 224 takes too much memory"):
        LoadedImage(content, "row.png").resized((224, 224))
    assert LoadedImage(encoded(Image.new("L", (1, 1_000_000)), "PNG")).resized((224, 224)).shape == (224, 224, 3)
