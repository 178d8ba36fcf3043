"""The inverse of a matrix with several ridges, in the matrix's own memory."""

import numpy as np
import pytest

from twoflow.heads.ridged_inverse import RidgedInverse


@pytest.mark.parametrize("n", [1, 5, 256, 600])
def test_each_ridge_has_the_inverse_of_numpy(n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 40))
    matrix, right, rows = X @ X.T, rng.normal(size=(n, 3)), np.unique([0, n // 3, n - 1])
    inverse = RidgedInverse(matrix.copy())
    for ridge in (5.0, 0.5, 20.0):  # each from the matrix itself, not from the one before
        inverse.set_ridge(ridge)
        expected = np.linalg.inv(matrix + ridge * np.eye(n))
        assert np.allclose(inverse @ right, expected @ right, atol=1e-10)
        assert np.allclose(inverse.diagonal(), expected.diagonal(), atol=1e-10)
        assert np.allclose(inverse.block(rows), expected[np.ix_(rows, rows)], atol=1e-10)


def test_it_takes_the_memory_of_the_matrix():
    matrix = np.eye(300)
    inverse = RidgedInverse(matrix)
    inverse.set_ridge(1.0)
    assert np.shares_memory(inverse._lower, matrix)


def test_a_ridge_that_is_too_small_is_an_error():
    inverse = RidgedInverse(np.diag([1.0, -2.0]))
    with pytest.raises(np.linalg.LinAlgError, match="ridge of 1 is not positive definite"):
        inverse.set_ridge(1.0)
    inverse.set_ridge(3.0)
    assert np.allclose(inverse.diagonal(), [0.25, 1.0])
