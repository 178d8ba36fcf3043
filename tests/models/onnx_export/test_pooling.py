import numpy as np
import pytest
from onnx import TensorProto, helper

from twoflow.flows.center_prior import weigh_positions
from twoflow.flows.pooling import pool as expected_pool
from twoflow.flows.views import View
from twoflow.models.onnx_export import Graph, Output
from twoflow.models.onnx_export.pooling import Map, pool

from .running import start

VIEWS = {1: [View()], 2: [View(), View(is_mirrored=True)]}


def pooled(maps, pooling="covariance", grid=1, n_channels=None, center_prior=None):
    graph = Graph()
    inputs = [Map(f"map{i}", *each.shape) for i, each in enumerate(maps)]
    found = pool(graph, inputs, pooling, grid, n_channels, VIEWS[len(maps)], center_prior)
    features = graph.add("Squeeze", found, np.array([0]))
    model = graph.finish({}, {"out": Output(features, len(expected_pool(maps, pooling, grid, n_channels)))})
    for i, each in enumerate(maps):
        model.graph.input.append(helper.make_tensor_value_info(f"map{i}", TensorProto.FLOAT, (1, *each.shape)))
    return start(model).run(None, {f"map{i}": each[None] for i, each in enumerate(maps)})[0]


def spectrum(least, n_channels, rows, columns, rank=None, seed=0):
    """Make a map whose covariance has eigenvalues from 1 down to `least`, on a logarithmic scale."""
    rng = np.random.default_rng(seed)
    rank = rank or min(n_channels, rows * columns - 1)
    left = np.linalg.qr(rng.normal(size=(n_channels, rank)))[0]
    right = rng.normal(size=(rows * columns, rank))
    right = np.linalg.qr(right - right.mean(axis=0))[0]
    map_ = left * np.geomspace(1, least, rank) ** 0.5 @ right.T
    return map_.reshape(n_channels, rows, columns).astype(np.float32)


@pytest.mark.parametrize("pooling", ["mean", "max", "gem", "covariance"])
@pytest.mark.parametrize("grid", [1, 2, 3])
def test_poolings_agree(pooling, grid):
    maps = [np.abs(spectrum(1e-2, 12, 5, 7, seed=seed)) for seed in (0, 1)]
    expected = expected_pool(maps, pooling, grid, None)
    assert np.abs(pooled(maps, pooling, grid) - expected).max() <= 1e-3 * np.abs(expected).max()


@pytest.mark.parametrize("pooling", ["mean", "gem", "covariance"])
@pytest.mark.parametrize("shape", [(12, 5, 7), (50, 4, 5)], ids=["many positions", "few positions"])
def test_positions_that_count_differently(pooling, shape):
    maps = [np.abs(spectrum(1e-2, *shape, seed=seed)) for seed in (0, 1)]
    weights = [weigh_positions(view, shape[1:], 0.2) for view in VIEWS[2]]
    expected, plain = (expected_pool(maps, pooling, 2, None, each) for each in (weights, None))
    assert np.abs(pooled(maps, pooling, 2, None, 0.2) - expected).max() <= 1e-3 * np.abs(expected).max()
    assert np.abs(expected - plain).max() > 1e-2 * np.abs(expected).max()


@pytest.mark.parametrize("least", [1e-1, 1e-3, 1e-5, 2e-6])
@pytest.mark.parametrize("shape", [(40, 8, 9), (80, 6, 6), (72, 9, 8), (2, 5, 5), (9, 1, 2)], ids=str)
def test_the_root_is_that_of_the_flow_up_to_float16(least, shape):
    """The rounding to float16 is the only difference: at most one step of a value, and that of few values."""
    maps = [spectrum(least, *shape)]
    found, expected = pooled(maps), expected_pool(maps, "covariance", 1, None)
    assert np.abs(found - expected).max() <= 2**-10 * max(np.abs(expected).max(), 2**-14)
    assert np.linalg.norm(found - expected) < 1e-4


@pytest.mark.parametrize("rank", [1, 3, 20])
def test_a_matrix_without_full_rank(rank):
    maps = [spectrum(1e-3 if rank > 1 else 1, 40, 8, 9, rank)]
    found, expected = pooled(maps), expected_pool(maps, "covariance", 1, None)
    # The rounding of the map itself, to float32, has roots of 1e-7 of the largest in the other directions.
    assert np.linalg.norm(found - expected) < 1e-4


def test_eigenvalues_below_the_flows_limit_are_left_in():
    """The flow drops eigenvalues below 1e-6 of the largest; their roots are at most 1e-3 of the largest root."""
    maps = [spectrum(1e-8, 40, 8, 9)]
    found, expected = pooled(maps), expected_pool(maps, "covariance", 1, None)
    n_dropped = (np.geomspace(1, 1e-8, 40) < 1e-6).sum()
    assert 1e-5 < np.linalg.norm(found - expected) < 1e-3 * np.sqrt(n_dropped)


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e3, 1e12])
def test_the_scale_of_a_map_does_not_count(scale):
    maps = [spectrum(1e-3, 12, 5, 5)]
    assert np.abs(pooled([maps[0] * np.float32(scale)]) - pooled(maps)).max() < 1e-3


@pytest.mark.parametrize("value", [0, 1, 1e-20, 1e20])
def test_a_constant_map_gives_zeros(value):
    assert not pooled([np.full((6, 3, 4), value, np.float32)]).any()
