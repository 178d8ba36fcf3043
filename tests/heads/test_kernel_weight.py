import numpy as np
import pytest
from scipy import sparse
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow.heads import KernelWeight


@parametrize_with_checks([KernelWeight(0.3)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dot_products_are_multiplied_by_the_weight(dtype):
    X = np.random.default_rng(0).normal(size=(5, 7)).astype(dtype)
    found = KernelWeight(0.1).fit_transform(X)
    assert found.dtype == dtype
    np.testing.assert_allclose(found @ found.T, 0.1 * (X @ X.T), rtol=1e-5)
    assert (KernelWeight().fit_transform(X) == X).all()


@pytest.mark.parametrize("weight", [0, -1, "much"])
def test_bad_weights(weight):
    with pytest.raises(ValueError, match="'weight' parameter"):
        KernelWeight(weight).fit([[1.0]])


def test_sparse_features_stay_sparse():
    X = np.array([[0.6, 0.0], [0.0, 0.8]], dtype=np.float32)
    found = KernelWeight(0.25).fit_transform(sparse.csr_array(X))
    assert sparse.issparse(found) and found.dtype == np.float32
    assert np.allclose(found.toarray(), X / 2)
