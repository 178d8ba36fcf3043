import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twoflow.explaining.maps import choose_grid, lay
from twoflow.flows.placing import Placed


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 70), st.integers(1, 70), st.integers(0, 99))
@settings(max_examples=50)
def test_sums_are_kept(rows, columns, grid_rows, grid_columns, seed):
    values = np.random.default_rng(seed).normal(size=(2, rows, columns))
    found = lay([Placed(values), Placed(values, (0.2, 0.1, 0.7, 1.0))], (grid_rows, grid_columns))
    assert found.shape == (2, grid_rows, grid_columns)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), 2 * values.sum(axis=(1, 2)), atol=1e-9)


def test_equal_grids_change_nothing():
    values = np.random.default_rng(0).normal(size=(1, 5, 7))
    np.testing.assert_allclose(lay([Placed(values)], (5, 7)), values, atol=1e-12)


def test_what_lies_outside_the_image_is_left_out():
    found = lay([Placed(np.ones((1, 4, 4)), (0, -0.5, 1, 1.5))], (2, 2))
    np.testing.assert_allclose(found, np.full((1, 2, 2), 2.0))


@pytest.mark.parametrize("size, expected", [((640, 480), (48, 64)), ((1, 1), (64, 64)), ((5, 5000), (64, 1))])
def test_cells_are_nearly_square(size, expected):
    assert choose_grid(size) == expected
