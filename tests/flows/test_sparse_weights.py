import numpy as np
import pytest
from scipy import sparse
from sklearn.random_projection import SparseRandomProjection

from twoflow.flows.sparse_weights import draw_weights


@pytest.mark.parametrize(
    "n_values, density",
    [(921_600, "auto"), (9_216, "auto"), (14_400, 0.0099), (14_400, 0.05), (14_400, 0.995), (900, 1)],
)
def test_the_weights_are_those_of_scikit_learn(n_values, density):
    """They must be the same bits, from the same draws, in rows with and without positions that repeat."""
    ours, theirs = np.random.RandomState(3), np.random.RandomState(3)
    found = draw_weights(128, n_values, density, ours)
    projection = SparseRandomProjection(128, density=density, random_state=theirs)
    projection.fit(sparse.csr_matrix((1, n_values), dtype=np.float32))
    expected = sparse.csr_matrix(projection.components_)
    assert found.shape == expected.shape and (found.astype(np.float32) != expected).nnz == 0
    assert ours.randint(2**31) == theirs.randint(2**31)
