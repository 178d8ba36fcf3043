"""The descriptor against a slow one that filters the whole image, one filter at a time, in double precision."""

import pickle

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from twoflow import GISTDescriptor
from twoflow.flows.gist import gist
from twoflow.flows.gray import to_gray


def reflected(values, margin):
    """Mirrored borders, by index arithmetic."""
    side = len(values)
    index = np.arange(-margin, side + margin) % (2 * side)
    index = np.minimum(index, 2 * side - 1 - index)
    return values[np.ix_(index, index)]


def low_pass(values):
    """Half high at 4 cycles per image, with mirrored borders: the transform of the image mirrored both ways."""
    side = len(values)
    doubled = np.block([[values, values[:, ::-1]], [values[::-1], values[::-1, ::-1]]])
    cycles = np.fft.fftfreq(2 * side) * side  # per image
    gain = 0.5 ** ((cycles[:, None] ** 2 + cycles**2) / 4**2)
    return np.fft.ifft2(np.fft.fft2(doubled) * gain).real[:side, :side]


def slow_gist(channel, orientations, grid, stride_of_scale):
    side = len(channel)
    brightness = np.log(1 + channel.astype(float))
    detail = brightness - low_pass(brightness)
    even = detail / (0.2 + np.sqrt(low_pass(detail**2).clip(0)))
    unit = 2 ** len(orientations)
    margin = int(np.ceil(side / 8 / unit)) * unit
    padded = reflected(even, margin)
    y, x = np.meshgrid(np.fft.fftfreq(len(padded)), np.fft.fftfreq(len(padded)), indexing="ij")
    radius, direction = np.hypot(x, y), np.arctan2(y, x)
    found = []
    for scale, n in enumerate(orientations):
        center = 0.25 / 2**scale
        for i in range(n):
            turn = (direction - np.pi * i / n + np.pi) % (2 * np.pi) - np.pi
            # Half high where the relative distance from the center is 1/3, and half-way to the next orientation.
            gabor = 0.5 ** ((3 * (radius / center - 1)) ** 2 + (turn * 2 * n / np.pi) ** 2)
            gabor[radius == 0] = 0
            stride = stride_of_scale(scale)
            middle = np.exp(1j * np.pi * (stride - 1) * (x + y))  # moved to between the pixels, for the samples below
            magnitude = np.abs(np.fft.ifft2(np.fft.fft2(padded) * gabor * middle))
            magnitude = magnitude[margin:-margin, margin:-margin][::stride, ::stride]
            cells = [np.array_split(rows, grid, axis=1) for rows in np.array_split(magnitude, grid)]
            found += [cell.mean() for row in cells for cell in row]
    return np.array(found)


@pytest.fixture(scope="module")
def pixels(shop):
    from twoflow.images import LoadedImage

    return LoadedImage(shop.images[3]).resized((256, 256))


@pytest.mark.parametrize("orientations, grid", [((8, 8, 4), 4), ((8, 8, 8, 8), 4), ((6, 3), 2), ((5,), 8)])
def test_against_whole_filters_at_the_same_samples(pixels, orientations, grid):
    expected = slow_gist(to_gray(pixels), orientations, grid, lambda scale: 2 ** (scale + 1))
    found = gist(pixels, orientations, grid=grid)
    np.testing.assert_allclose(found, expected, rtol=0.005)  # the windows cut off the ends of the filters


def test_samples_stand_for_all_pixels(pixels):
    expected = slow_gist(to_gray(pixels), (8, 8, 4), 4, lambda scale: 1)
    np.testing.assert_allclose(gist(pixels), expected, rtol=0.05)
    assert np.corrcoef(gist(pixels), expected)[0, 1] > 0.9999


def test_the_number_of_features_is_the_papers(pixels):
    assert gist(pixels).shape == (320,) and gist(pixels).dtype == np.float32
    assert gist(pixels, color=True).shape == (960,)
    assert gist(pixels, (8, 8, 8, 8)).shape == (512,)


@pytest.mark.parametrize("color", [False, True])
def test_mirrored_images_have_mirrored_orientations_and_columns(pixels, color):
    orientations = (8, 6, 4)
    found = gist(pixels[:, ::-1], orientations, color=color).reshape(-1, sum(orientations), 4, 4)
    expected = gist(pixels, orientations, color=color).reshape(-1, sum(orientations), 4, 4)
    order = [start + -i % n for start, n in ((0, 8), (8, 6), (14, 4)) for i in range(n)]
    np.testing.assert_allclose(found, expected[:, order, :, ::-1], atol=1e-6)


def test_turned_images_have_turned_orientations_and_grids(pixels):
    """A quarter turn moves orientation i by half of all, and the grid with the image."""
    found = gist(np.rot90(pixels), (8,)).reshape(8, 4, 4)
    expected = gist(pixels, (8,)).reshape(8, 4, 4)
    np.testing.assert_allclose(found, np.rot90(np.roll(expected, 4, axis=0), axes=(1, 2)), atol=1e-6)


@pytest.mark.parametrize("orientation", range(8))
@pytest.mark.parametrize("scale", range(3))
def test_a_grating_is_answered_by_its_own_filter(scale, orientation):
    y, x = np.mgrid[:256, :256]
    angle = np.pi * orientation / 8
    wave = np.sin(2 * np.pi * 0.25 / 2**scale * (x * np.cos(angle) + y * np.sin(angle)) + 0.3)
    pixels = np.repeat((128 + 60 * wave).astype(np.uint8)[:, :, None], 3, axis=2)
    responses = gist(pixels, (8, 8, 8)).reshape(24, 4, 4)[:, 1:3, 1:3].mean(axis=(1, 2))
    assert responses.argmax() == 8 * scale + orientation


def test_lighting_does_not_matter(pixels):
    """A lamp on one side, and half the light: a smooth change of brightness, taken out before the filters."""
    dim = pixels * np.linspace(0.5, 1, 256)[:, None]
    change = np.abs(gist(dim.astype(np.uint8)) - gist(pixels)).mean() / gist(pixels).mean()
    blur = gaussian_filter(pixels, (3, 3, 0))
    assert change < 0.1 < np.abs(gist(blur) - gist(pixels)).mean() / gist(pixels).mean()


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("value", [0, 7, 130, 255])
def test_one_color_is_all_zeros(value, color):
    assert not gist(np.full((256, 256, 3), value, np.uint8), color=color).any()


def test_color_is_the_three_channels(pixels):
    channels = gist(pixels, color=True).reshape(3, -1)
    for i in range(3):
        np.testing.assert_array_equal(channels[i], gist(np.repeat(pixels[:, :, i:i + 1], 3, axis=2)))


def test_the_flow_is_the_function_of_the_square(pixels, shop):
    np.testing.assert_array_equal(GISTDescriptor().transform([pixels])[0], gist(pixels))
    flow = GISTDescriptor((4, 4), color=True, grid=2, size=64).fit(shop)
    assert flow.transform(shop).shape == (len(shop), 96)
    assert len(pickle.dumps(flow)) < 1000, "the filters are in the pickle"


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"orientations": 8}, "'orientations' parameter"),
        ({"orientations": ()}, "orientations must be positive integers"),
        ({"orientations": (8, 0)}, "orientations must be positive integers"),
        ({"orientations": (8, 2.5)}, "orientations must be positive integers"),
        ({"grid": 0}, "'grid' parameter"),
        ({"grid": 3}, "size must be a multiple of 48 for 3 scales on a 3 x 3 grid, got 256"),
        ({"size": 100}, "size must be a multiple of 64 for 3 scales on a 4 x 4 grid, got 100"),
        ({"color": "rgb"}, "'color' parameter"),
    ],
)
def test_bad_parameters(parameters, message, shop):
    with pytest.raises(ValueError, match=message):
        GISTDescriptor(**parameters).fit(shop)


def test_an_image_that_is_not_square_is_refused():
    with pytest.raises(ValueError, match="expected a square image, got 64 x 128 pixels"):
        gist(np.zeros((128, 64, 3), np.uint8))
