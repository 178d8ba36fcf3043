import colorsys

import numpy as np
import pytest

from twoflow import ColorHistogram
from twoflow.flows.color import color_histogram


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)


def test_rgb_is_numpys_histogram(pixels):
    bins = (5, 3, 4)
    counts, _ = np.histogramdd(pixels.reshape(-1, 3), bins=bins, range=[(0, 256)] * 3)
    np.testing.assert_allclose(color_histogram(pixels, "rgb", bins), counts.ravel() / counts.sum(), rtol=1e-6)


def test_a_cell_of_the_grid_is_the_histogram_of_that_part(pixels):
    cells = color_histogram(pixels[:36, :52], "hsv", (8, 4, 4), (2, 4)).reshape(2, 4, -1)
    for row in range(2):
        for column in range(4):
            part = pixels[18 * row:18 * (row + 1), 13 * column:13 * (column + 1)]
            np.testing.assert_array_equal(cells[row, column], color_histogram(part, "hsv", (8, 4, 4)))


@pytest.mark.parametrize("grid", [(1, 1), (3, 5), (37, 53)])
@pytest.mark.parametrize("space", ["hsv", "lab", "rgb"])
def test_each_cell_sums_to_one(pixels, space, grid):
    cells = color_histogram(pixels, space, (4, 4, 4), grid).reshape(grid[0] * grid[1], -1)
    np.testing.assert_allclose(cells.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("space", ["hsv", "lab", "rgb"])
def test_the_size_of_the_image_does_not_leak_in(pixels, space):
    enlarged = np.repeat(np.repeat(pixels, 3, axis=0), 2, axis=1)
    expected = color_histogram(pixels, space, (4, 4, 4), (1, 1))
    np.testing.assert_allclose(color_histogram(enlarged, space, (4, 4, 4), (1, 1)), expected, rtol=1e-6)


def test_mirrored_images_have_mirrored_grids(pixels):
    pixels = pixels[:, :52]
    cells = color_histogram(pixels, grid=(1, 4)).reshape(4, -1)
    mirrored = color_histogram(pixels[:, ::-1], grid=(1, 4)).reshape(4, -1)
    np.testing.assert_array_equal(mirrored, cells[::-1])


def test_hsv_bins_are_where_the_standard_library_puts_them():
    # Colors well inside their bins, for OpenCV rounds hue to 256ths of a turn.
    colors = [(250, 10, 30), (200, 180, 20), (60, 220, 40), (30, 110, 120), (40, 60, 250), (220, 90, 210), (9, 8, 8)]
    for color in colors:
        hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 256 for channel in color))
        expected = int(hue * 4), int(saturation * 2), int(value * 2)
        found = color_histogram(np.full((2, 2, 3), color, np.uint8), "hsv", (4, 2, 2)).reshape(4, 2, 2)
        assert np.argwhere(found).tolist() == [list(expected)], color


def test_lab_bins_hold_the_known_values_of_the_primaries():
    # CIE L*a*b* of sRGB, white D65; L* in quarters of 100, a* and b* in elevenths of -110 to 110, 20 each.
    known = {(255, 0, 0): (53.2, 80.1, 67.2), (0, 255, 0): (87.7, -86.2, 83.2), (0, 0, 255): (32.3, 79.2, -107.9),
             (255, 255, 255): (99.9, 0, 0), (0, 0, 0): (0, 0, 0), (128, 128, 0): (51.9, -12.9, 56.7)}
    for color, (lightness, a, b) in known.items():
        found = color_histogram(np.full((1, 1, 3), color, np.uint8), "lab", (4, 11, 11)).reshape(4, 11, 11)
        expected = [int(lightness / 25), int((a + 110) / 20), int((b + 110) / 20)]
        assert np.argwhere(found).tolist() == [expected], color


def test_no_color_is_outside_the_bins_of_lab():
    """A histogram of every 5th value of each channel: the outermost bins catch what is cut off, and must not grow."""
    values = np.arange(0, 256, 5, dtype=np.uint8)
    every = np.stack(np.meshgrid(values, values, values), axis=-1).reshape(len(values), -1, 3)
    edges = color_histogram(every, "lab", (1, 220, 220)).reshape(220, 220)
    assert not edges[[0, -1]].any() and not edges[:, [0, -1]].any()


def test_the_flow_is_the_function_of_the_square(shop):
    square = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    flow = ColorHistogram("lab", (2, 3, 4), (2, 1), size=16)
    np.testing.assert_array_equal(flow.transform([square])[0], color_histogram(square, "lab", (2, 3, 4), (2, 1)))
    assert flow.transform(shop).shape == (len(shop), 48)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"space": "yuv"}, "'space' parameter"),
        ({"bins": 8}, "'bins' parameter"),
        ({"bins": (8, 8)}, "bins must be three integers"),
        ({"bins": (8, 0, 8)}, "bins must be three integers"),
        ({"bins": (8, 300, 8)}, "bins must be three integers"),
        ({"grid": (2, 0)}, "grid must be two positive integers"),
        ({"grid": (2, 2, 2)}, "grid must be two positive integers"),
        ({"grid": (4, 9), "size": 8}, "a grid of 4 x 9 cells does not fit 8 x 8 pixels"),
        ({"size": 0}, "'size' parameter"),
    ],
)
def test_bad_parameters(parameters, message, shop):
    with pytest.raises(ValueError, match=message):
        ColorHistogram(**parameters).fit(shop)


def test_a_grid_finer_than_the_image_is_refused():
    with pytest.raises(ValueError, match="a grid of 1 x 2 cells does not fit 5 x 1 pixels"):
        color_histogram(np.zeros((5, 1, 3), np.uint8), grid=(1, 2))
