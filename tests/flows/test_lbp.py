import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from twoflow import LBPHistogram
from twoflow.flows.lbp import lbp_histogram


@pytest.fixture
def pixels(shop):
    return shop.images[0][:96, :120]


def test_one_bright_pixel_by_hand():
    """Of 25 pixels inside, the bright one has no point as bright around it; the black ones have 8, for 0 is least."""
    pixels = np.zeros((7, 7, 3), np.uint8)
    pixels[3, 3] = 255
    np.testing.assert_allclose(lbp_histogram(pixels, (1,)), [1 / 25, 0, 0, 0, 0, 0, 0, 0, 24 / 25, 0], rtol=1e-6)


def test_an_edge_by_hand():
    """Left half dark, right half bright. The bright column at the edge has its 3 left points darker, 5 as bright."""
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[:, 4:] = 200
    found = lbp_histogram(pixels, (1,))
    np.testing.assert_allclose(found, [0, 0, 0, 0, 0, 1 / 6, 0, 0, 5 / 6, 0], rtol=1e-6)


def test_a_checkerboard_is_not_uniform():
    """At radius 2 the points straight from a bright pixel are bright, those between them mixtures: 4 changes each way.

    At radius 1 all eight are darker. A dark pixel has none darker around it, at any radius.
    """
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[::2, ::2] = pixels[1::2, 1::2] = 255
    expected = [0.5, 0, 0, 0, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0.5]
    np.testing.assert_allclose(lbp_histogram(pixels, (1, 2)), expected, rtol=1e-6)


@pytest.mark.parametrize("radius", [1, 2, 3, 5])
def test_against_skimage(pixels, radius):
    gray = np.rint(pixels @ [0.299, 0.587, 0.114]).astype(np.uint8)
    gray_pixels = np.repeat(gray[:, :, None], 3, axis=2)  # a gray image has itself for brightness
    patterns = local_binary_pattern(gray, 8, radius, method="uniform")[radius:-radius, radius:-radius]
    expected, _ = np.histogram(patterns, bins=np.arange(11), density=True)
    np.testing.assert_allclose(lbp_histogram(gray_pixels, (radius,)), expected, rtol=1e-5)


def test_turned_or_mirrored_images_have_the_same_texture(pixels):
    expected = lbp_histogram(pixels)
    for turned in (pixels[:, ::-1], pixels[::-1], np.rot90(pixels), pixels.transpose(1, 0, 2)):
        np.testing.assert_allclose(lbp_histogram(np.ascontiguousarray(turned)), expected, atol=1e-4)


def test_brightness_does_not_matter(pixels):
    gray = np.repeat(pixels[:, :, :1] // 2, 3, axis=2)
    np.testing.assert_allclose(lbp_histogram(gray * 2), lbp_histogram(gray), atol=2e-3)  # interpolation rounds ties


def test_one_color_is_one_pattern():
    for value in (0, 77, 255):
        found = lbp_histogram(np.full((30, 20, 3), value, np.uint8)).reshape(3, 10)
        assert (found == np.eye(10)[8]).all()


def test_the_border_does_not_count():
    """Beyond the border there is black: a white image must not show an edge there."""
    assert lbp_histogram(np.full((9, 9, 3), 255, np.uint8), (4,))[8] == 1


def test_the_flow_is_the_function_of_the_square(shop):
    square = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(LBPHistogram((2, 1), size=32).transform([square])[0], lbp_histogram(square, (2, 1)))
    assert LBPHistogram().transform(shop[:2]).shape == (2, 30)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"radii": 3}, "'radii' parameter"),
        ({"radii": ()}, "radii must be positive integers"),
        ({"radii": (1, 0)}, "radii must be positive integers"),
        ({"radii": (1.5,)}, "radii must be positive integers"),
        ({"radii": (1, 16), "size": 32}, "radius 16 leaves no circle inside 32 pixels"),
        ({"size": 0}, "'size' parameter"),
    ],
)
def test_bad_parameters(parameters, message, shop):
    with pytest.raises(ValueError, match=message):
        LBPHistogram(**parameters).fit(shop)


def test_an_image_smaller_than_the_circle_is_refused():
    with pytest.raises(ValueError, match="radius 3 leaves no circle inside 6 pixels"):
        lbp_histogram(np.zeros((6, 50, 3), np.uint8))
