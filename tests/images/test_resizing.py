"""Compare resizing with Pillow's."""

from concurrent.futures import ThreadPoolExecutor

import cykooz_resizer
import numpy as np
import pytest
from PIL import Image

from twoflow import load_table
from twoflow.images import resizing
from twoflow.images.resizing import resize


def noise(*size):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8))


def by_pillow(image, size, box=None):
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC, box=box)).astype(int)


@pytest.mark.parametrize("size", [(224, 224), (64, 48), (33, 501)])
def test_photographs_are_resized_as_by_pillow(data, size):
    for path in load_table(data / "sneakers" / "labels.csv", data / "sneakers").paths[::100]:
        image = Image.open(path).convert("RGB")
        difference = np.abs(resize(image, size) - by_pillow(image, size))
        assert difference.mean() < 0.3 and (difference > 1).mean() < 0.02


@pytest.mark.parametrize("box", [(0, 0, 301, 203), (1.5, 2.25, 300.7, 199.3), (100, 100, 101, 101), (0, 0, 0.5, 203)])
def test_part_of_an_image(box):
    image = noise(301, 203)
    difference = np.abs(resize(image, (40, 30), box) - by_pillow(image, (40, 30), box))
    assert difference.max() <= 5


@pytest.mark.parametrize("full", [(1, 1), (2, 3), (1, 5000), (200_000, 1)])
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (1, 2000)])
def test_extreme_proportions(full, size):
    image = noise(*full)
    resized = resize(image, size)
    assert resized.shape == (size[1], size[0], 3) and resized.dtype == np.uint8
    assert np.abs(resized - by_pillow(image, size)).mean() < 3


def test_a_single_color_is_unchanged():
    assert (resize(Image.new("RGB", (123, 77), (0, 200, 255)), (50, 60)) == [0, 200, 255]).all()


def test_an_image_of_the_wanted_size_is_unchanged(monkeypatch):
    image = noise(30, 20)
    monkeypatch.delattr(resizing, "Resizer")
    for box in (None, (0, 0, 30, 20), (0.0, 0.0, 30.0, 20.0)):
        assert (resize(image, (30, 20), box) == np.asarray(image)).all()


def test_the_result_is_read_only():
    for size in ((30, 20), (3, 2)):
        with pytest.raises(ValueError, match="read-only"):
            resize(noise(30, 20), size)[:] = 0


def test_the_result_does_not_depend_on_the_processor(monkeypatch):
    image = noise(640, 480)
    expected = resize(image, (224, 224))
    fastest = cykooz_resizer.Resizer().cpu_extensions

    class Plain(cykooz_resizer.Resizer):
        def __init__(self):
            super().__init__()
            self.cpu_extensions = cykooz_resizer.CpuExtensions.none
            assert fastest != self.cpu_extensions

    monkeypatch.setattr(resizing, "Resizer", Plain)
    assert (resize(image, (224, 224)) == expected).all()


def test_many_threads_at_once():
    images = [noise(100 + i, 80) for i in range(40)]
    expected = [resize(image, (24, 24)) for image in images]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda image: resize(image, (24, 24)), images))
    assert all((one == other).all() for one, other in zip(found, expected))


def test_boxes_that_the_resizer_crashes_at_in_one_call():
    image = noise(33, 21)
    for box in ((4.2, 1.2, 28.2, 19.2), (3.2, 1.2, 27.2, 19.2)):
        assert np.abs(resize(image, (40, 30), box) - by_pillow(image, (40, 30), box)).mean() < 1


def test_bands_give_the_same_pixels_as_the_whole(monkeypatch):
    image, box = noise(103, 80), (3.2, 1.2, 97.5, 79.2)
    expected = [resize(image, (40, 30)), resize(image, (40, 30), box)]
    monkeypatch.setattr(resizing, "_AT_ONCE", 1)
    monkeypatch.setattr(resizing, "_BAND", 80 * 10)
    assert (np.array([resize(image, (40, 30)), resize(image, (40, 30), box)]) == expected).all()
