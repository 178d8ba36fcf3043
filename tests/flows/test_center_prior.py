"""The middle of the image counts most: the weights, what poolings make of them, and the flow."""

import numpy as np
import pytest

from twoflow import CNNEmbedding, make_model
from twoflow.flows.center_prior import weigh_positions
from twoflow.flows.pooling import pool
from twoflow.flows.views import VIEWS, View
from twoflow.images import LoadedImage
from twoflow.models import take_apart

WHOLE = View()


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_weights_are_a_gaussian_around_the_middle():
    weights = weigh_positions(WHOLE, (3, 4), 0.25)
    # The middles of 3 rows lie at -1/3, 0 and 1/3 of the height from the middle; of 4 columns at odd eighths.
    down, across = (np.exp(-np.array(far) ** 2 / 0.125) for far in ([1 / 3, 0, 1 / 3], [3 / 8, 1 / 8, 1 / 8, 3 / 8]))
    np.testing.assert_allclose(weights, np.outer(down, across))


def test_a_mirror_image_counts_as_the_image_does():
    weights = [weigh_positions(view, (5, 6), 0.3) for view in VIEWS["mirror"]]
    assert (weights[0] == weights[1]).all() and np.allclose(weights[0], weights[0][:, ::-1])


def test_crops_are_weighed_by_where_they_lie():
    top_left, top_right, bottom_left, bottom_right, middle = (
        weigh_positions(view, (7, 7), 0.3) for view in VIEWS["five-crop"]
    )
    np.testing.assert_allclose(top_left, top_right[:, ::-1])
    np.testing.assert_allclose(top_left, bottom_right[::-1, ::-1])
    np.testing.assert_allclose(bottom_left, top_left[::-1])
    assert top_left[0, 0] < middle[0, 0] < middle[3, 3] == pytest.approx(1)


@pytest.mark.parametrize("pooling", ["mean", "gem", "covariance"])
@pytest.mark.parametrize("grid", [1, 2])
def test_a_weight_of_two_is_a_position_given_twice(pooling, grid):
    """A second map whose positions are those of the first."""
    one = np.abs(draw(6, 4, 4))
    twice = pool([one, one], pooling, grid, None, [np.full((4, 4), 3.0), np.full((4, 4), 5.0)])
    np.testing.assert_allclose(twice, pool([one], pooling, grid, None), atol=2e-3)
    first, second = np.abs(draw(2, 6, 4, 4, seed=1))
    weights = [np.full((4, 4), 2.0), np.ones((4, 4))]
    repeated = pool([first, first, second], pooling, grid, None)
    np.testing.assert_allclose(pool([first, second], pooling, grid, None, weights), repeated, atol=2e-3)
    assert np.abs(repeated - pool([first, second], pooling, grid, None)).max() > 5e-3


def test_equal_weights_change_nothing():
    maps = [draw(6, 3, 5)]
    for pooling in ("mean", "gem", "covariance"):
        expected = pool(maps, pooling, 1, None)
        np.testing.assert_allclose(pool(maps, pooling, 1, None, [np.full((3, 5), 7.0)]), expected, atol=1e-3)


def test_a_constant_map_gives_zeros():
    assert not pool([np.full((3, 4, 4), 0.1, np.float32)], "covariance", 1, None, [np.random.rand(4, 4)]).any()


def test_the_flow_sees_less_of_the_margin(shop):
    """A frame around the image changes the features less when the middle counts most."""
    plain = LoadedImage(shop.images[0]).resized((128, 128)).copy()
    framed = np.zeros_like(plain)
    framed[16:-16, 16:-16] = plain[16:-16, 16:-16]
    changes = []
    for center_prior in (None, 0.2):
        flow = CNNEmbedding(
            layer="stage4", pooling="covariance", center_prior=center_prior, preprocessing={"input_size": (128, 128)}
        )
        before, after = flow.fit_transform([plain, framed])
        changes.append(1 - before @ after)
    assert changes[1] < 0.7 * changes[0]


@pytest.mark.parametrize("recipe", ["fast", "best"])
def test_recipes_expect_the_product_in_the_middle(recipe):
    flows = {name: flow for name, flow in take_apart(make_model(recipe)).flows}
    assert flows["stage5"].center_prior == 0.3
    if recipe == "best":
        assert flows["stage3"].center_prior is None
