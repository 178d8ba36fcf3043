"""Where the parts of a score lie: sums, places, and the geometry of views."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twoflow import CNNEmbedding, ColorHistogram, RawPixels
from twoflow.flows.locating import locate_pooled
from twoflow.flows.placing import place_view
from twoflow.flows.pooling import POOLINGS, pool
from twoflow.flows.views import VIEWS, View
from twoflow.images import Fitting, LoadedImage


def draw(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@given(
    st.sampled_from(sorted(POOLINGS)), st.integers(1, 3), st.integers(2, 9), st.integers(3, 8), st.integers(3, 8),
    st.integers(1, 2), st.booleans(), st.integers(0, 99),
)
@settings(max_examples=60)
def test_the_parts_of_positions_sum_to_the_function_of_the_pooled_vector(
    pooling, grid, n_channels, rows, columns, n_maps, is_weighted, seed
):
    maps = [draw((n_channels, rows, columns), seed + i) for i in range(n_maps)]
    counts = None
    if is_weighted and pooling != "max":
        counts = [np.abs(draw((rows, columns), seed + 50 + i)).astype(np.float64) + 0.1 for i in range(n_maps)]
    pooled = pool(maps, pooling, grid, None, counts).astype(np.float64)
    weights = draw((3, len(pooled)), 1).astype(np.float64)
    located = locate_pooled(maps, pooling, grid, None, weights, counts)
    assert [each.shape for each in located] == [(3, rows, columns)] * n_maps
    # A covariance is rounded to float16: to 2 ** -11 of each value, of unit norm in each cell.
    atol = 2 ** -11 * np.abs(weights).max() * grid**2 * n_channels if pooling == "covariance" else 1e-5
    np.testing.assert_allclose(sum(each.sum(axis=(1, 2)) for each in located), weights @ pooled, atol=atol)


@pytest.mark.parametrize("shape", [(12, 9, 8), (40, 4, 5)], ids=["many positions", "few positions"])
def test_the_part_of_a_position_is_its_quadratic_form(shape):
    """The formula itself, with C^-1/4 from the whole decomposition."""
    maps, c = draw(shape), shape[0]
    x = maps.reshape(c, -1).astype(np.float64)
    x -= x.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(x @ x.T)
    kept = values > 1e-6 * values[-1]
    quarter = (vectors[:, kept] * values[kept] ** -0.25) @ vectors[:, kept].T
    half = (vectors[:, kept] * values[kept] ** 0.5) @ vectors[:, kept].T
    weights = draw(c * (c + 1) // 2, 2).astype(np.float64)
    matrix = np.zeros((c, c))
    matrix[np.triu_indices(c)] = weights
    matrix[np.triu_indices(c, 1)] /= np.sqrt(2)
    matrix += np.triu(matrix, 1).T
    y = quarter @ x
    expected = np.einsum("ip,ij,jp->p", y, matrix, y) / np.linalg.norm(half)
    found, = locate_pooled([maps], "covariance", 1, None, weights[None])
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-8)


def test_a_map_that_is_constant_has_no_parts():
    found, = locate_pooled([np.ones((3, 4, 4), np.float32)], "covariance", 1, None, np.ones((1, 6)))
    assert not found.any()


def test_the_maximum_is_where_it_is():
    maps = np.zeros((1, 4, 5), np.float32)
    maps[0, 2, 3] = 7
    found, = locate_pooled([maps], "max", 1, None, np.array([[2.0]]))
    assert found[0, 2, 3] == 14 and np.count_nonzero(found) == 1


@pytest.mark.parametrize("fitting, size, expected", [
    (Fitting((100, 100)), (400, 200), (0, 0, 1, 1)),
    (Fitting((100, 100), "crop"), (400, 200), (0.25, 0, 0.75, 1)),
    (Fitting((100, 100), "pad"), (400, 200), (0, -0.5, 1, 1.5)),
])
def test_the_box_of_what_a_network_is_shown(fitting, size, expected):
    for view in VIEWS["mirror"]:
        np.testing.assert_allclose(place_view(view, fitting, size), expected)
    corner = place_view(View((1, 0)), fitting, size)
    width, height = expected[2] - expected[0], expected[3] - expected[1]
    np.testing.assert_allclose(corner[2:0:-1], (expected[2], expected[1]), atol=0.01)
    sides = corner[2] - corner[0], corner[3] - corner[1]
    np.testing.assert_allclose(sides, (7 / 8 * width, 7 / 8 * height), atol=0.01)


@pytest.fixture(scope="module")
def spot():
    """A gray image with a red square at the lower right."""
    pixels = np.full((80, 120, 3), 128, np.uint8)
    pixels[50:70, 90:110] = 200, 10, 10
    return LoadedImage(pixels)


def test_pixels_of_a_bin_are_where_the_color_is(spot):
    flow = ColorHistogram("rgb", (4, 4, 4), size=60)
    weights = np.zeros((1, 64))
    weights[0, 3 * 16] = 1  # red
    placed, = flow.locate(spot, weights)
    down, across = np.nonzero(placed.values[0] > 0)
    assert down.min() / 60 > 0.6 and across.min() / 60 > 0.7
    np.testing.assert_allclose(placed.values.sum(), (20 * 20) / (80 * 120), rtol=0.1)


def test_raw_pixels_lie_where_they_are(spot):
    flow = RawPixels((12, 8))
    weights = np.zeros((8, 12, 3))
    weights[5, 9, 0] = 2
    placed, = flow.fit([spot.rgb]).locate(spot, weights.reshape(1, -1))
    assert np.flatnonzero(placed.values) == [5 * 12 + 9]


def test_a_global_pool_has_the_places_of_its_map(spot):
    flow = CNNEmbedding().fit([spot.rgb])
    weights = draw((1, 1280), 3).astype(np.float64)
    placed, = flow.locate(spot, weights)
    assert placed.values.shape == (1, 7, 7)
    np.testing.assert_allclose(placed.values.sum(), flow.transform([spot.rgb])[0] @ weights[0], atol=1e-3)


def test_a_vector_that_is_no_mean_of_a_map_has_no_place(spot):
    assert CNNEmbedding(layer="logits").fit([spot.rgb]).locate(spot, np.ones((1, 1000))) is None


def test_the_map_of_a_mirrored_image_is_mirrored():
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    flow = CNNEmbedding(
        layer="stage3", pooling="covariance", n_channels=8, views="mirror", preprocessing={"input_size": (96, 96)}
    ).fit([pixels])
    weights = draw((1, flow.n_features_out), 4).astype(np.float64)
    one, other = (
        sum(placed.values for placed in flow.locate(LoadedImage(each), weights)) for each in (pixels, pixels[:, ::-1])
    )
    np.testing.assert_allclose(one, other[:, :, ::-1], atol=1e-4)
