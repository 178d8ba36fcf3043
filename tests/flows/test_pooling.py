import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import sqrtm

from twoflow.flows.pooling import POOLINGS, count_least, pool


def draw(n_channels, n_positions, seed=0):
    """Positions of channels that have to do with each other, as those of a network do."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(n_channels, n_channels)) @ rng.normal(size=(n_channels, n_positions))
    return (mixed + 5 * rng.normal(size=(n_channels, 1))).astype(np.float32)


def to_matrix(triangle):
    side = int((np.sqrt(8 * len(triangle) + 1) - 1) / 2)
    half = np.zeros((side, side))
    half[np.triu_indices(side)] = triangle
    half[np.triu_indices(side, 1)] /= np.sqrt(2)
    return half + half.T - np.diag(np.diag(half))


@pytest.mark.parametrize("n_channels, n_positions", [(5, 40), (12, 12), (30, 7), (3, 2)])
def test_covariance_pooling_is_the_root_of_the_covariance(n_channels, n_positions):
    positions = draw(n_channels, n_positions)
    row = POOLINGS["covariance"](positions)
    assert row.shape == (n_channels * (n_channels + 1) // 2,) and row.dtype == np.float32
    root, covariance = to_matrix(row), np.cov(positions.astype(np.float64))
    np.testing.assert_allclose(np.linalg.norm(root), 1, rtol=1e-3)
    squared = root @ root
    np.testing.assert_allclose(squared / np.trace(squared), covariance / np.trace(covariance), atol=1e-3)
    expected = sqrtm(covariance).real
    np.testing.assert_allclose(root, expected / np.linalg.norm(expected), atol=1e-3)


def test_the_product_of_rows_is_that_of_matrices():
    one, other = (POOLINGS["covariance"](draw(6, 20, seed)).astype(np.float64) for seed in (1, 2))
    np.testing.assert_allclose(one @ other, (to_matrix(one) * to_matrix(other)).sum(), rtol=1e-12)


def test_both_ways_to_the_root_agree():
    """Positions that are there twice change no covariance, but with them there are more of them than channels."""
    positions = draw(20, 15)
    few, many = POOLINGS["covariance"](positions), POOLINGS["covariance"](np.tile(positions, 2))
    np.testing.assert_allclose(few, many, rtol=0, atol=1e-3 * np.abs(few).max())


@pytest.mark.parametrize("name", POOLINGS)
def test_the_order_of_positions_does_not_matter(name):
    positions = draw(12, 30)
    order = np.random.default_rng(0).permutation(30)
    expected = POOLINGS[name](positions)
    np.testing.assert_allclose(POOLINGS[name](positions[:, order]), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (1, 1), (9, 1)])
@pytest.mark.parametrize("value", [0, 1, -7, 1 / 3, 1e30])
def test_a_constant_map_has_no_covariance(shape, value):
    assert not POOLINGS["covariance"](np.full(shape, value, np.float32)).any()
    channels = np.linspace(value, 2, shape[0], dtype=np.float32)
    noise = 1 + np.random.default_rng(0).choice([-6e-8, 0, 1.2e-7], size=shape)
    assert not POOLINGS["covariance"]((channels[:, None] * noise).astype(np.float32)).any(), "float32's rounding"


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_features_are_finite_and_float32(data):
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 9)))
    values = st.floats(-(2.0**60), 2.0**60, width=32)
    positions = data.draw(arrays(np.float32, shape, elements=values))
    for name, function in POOLINGS.items():
        features = function(positions)
        assert features.dtype == np.float32 and np.isfinite(features).all(), name
    covariance = POOLINGS["covariance"](positions)
    assert (covariance.astype(np.float16) == covariance).all()


def test_the_generalized_mean():
    positions = np.array([[1, 2, 3, -5], [-1, -2, -3, -4]], np.float32)
    np.testing.assert_allclose(POOLINGS["gem"](positions), [(36 / 4) ** (1 / 3), 1e-6], rtol=1e-6)


def test_cells_of_a_grid():
    output = np.arange(2 * 3 * 5, dtype=np.float32).reshape(2, 3, 5)
    rows, columns = (slice(0, 2), slice(1, 3)), (slice(0, 3), slice(2, 5))
    expected = np.concatenate([output[:, r, c].mean(axis=(1, 2)) for r in rows for c in columns])
    np.testing.assert_array_equal(pool([output], "mean", 2, None), expected)
    np.testing.assert_array_equal(pool([output], "mean", 1, None), output.mean(axis=(1, 2)))
    np.testing.assert_array_equal(pool([output[:, :, :3]], "max", 3, None), output[:, :, :3].reshape(2, -1).T.ravel())


def test_on_an_even_map_the_cells_average_to_the_whole():
    output = draw(4, 6 * 8).reshape(4, 6, 8)
    cells = pool([output], "mean", 2, None).reshape(4, -1)
    np.testing.assert_allclose(cells.mean(axis=0), pool([output], "mean", 1, None), rtol=1e-5)


@pytest.mark.parametrize("sides, grid, expected", [((3, 5), 2, 2 * 3), ((4, 4), 2, 4), ((7, 7), 1, 49), ((5, 9), 5, 2)])
def test_the_smallest_cell(sides, grid, expected):
    assert count_least(sides, grid) == expected


def test_positions_of_several_maps_are_pooled_together():
    maps = [draw(4, 6, seed).reshape(4, 2, 3) for seed in range(3)]
    joined = np.concatenate([each.reshape(4, -1) for each in maps], axis=1)
    for name, function in POOLINGS.items():
        np.testing.assert_array_equal(pool(maps, name, 1, None), function(joined))
    np.testing.assert_allclose(pool([each[:, 0, 0] for each in maps], "mean", 1, None), joined[:, ::6].mean(axis=1))


def test_channels_are_projected_on_orthonormal_directions_drawn_at_random():
    output = draw(64, 400).reshape(64, 20, 20)
    few = pool([output], "covariance", 1, 16)
    assert few.shape == (136,) and (pool([output], "covariance", 1, 16) == few).all()
    drawn = np.random.RandomState(0).standard_normal((16, 64))
    weights = np.linalg.solve(np.linalg.cholesky(drawn @ drawn.T), drawn)
    np.testing.assert_allclose(weights @ weights.T, np.eye(16), atol=1e-12)
    np.testing.assert_allclose(few, POOLINGS["covariance"](weights @ output.reshape(64, -1)), atol=1e-4)
