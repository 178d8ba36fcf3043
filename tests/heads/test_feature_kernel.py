"""Check the kernel of features in several tables: it is that of the tables side by side."""

import numpy as np

from twoflow.heads import KernelRidgeClassifier
from twoflow.heads.dual_ridge import compute_kernel
from twoflow.heads.feature_kernel import FeatureKernel


def test_tables_count_as_if_they_were_stacked():
    rng = np.random.default_rng(0)
    tables, weights = [rng.normal(size=(30, width)) for width in (3, 4000, 5)], np.array([0.5, 1, 2])
    stacked = np.hstack([np.sqrt(weight) * table for table, weight in zip(tables, weights)])
    features, rows = FeatureKernel(tables, weights), np.array([7, 3, 20])
    assert features.n_features == 4008 and features.dtype == np.float64
    assert np.allclose(features.compute().gram, compute_kernel(stacked).gram)
    assert np.allclose(features.take(rows).compute().gram, compute_kernel(stacked[rows]).gram)
    later = features.take(np.arange(30) > 8).take(rows)
    assert np.allclose(later.compute().gram, compute_kernel(stacked[9 + rows]).gram)
    assert len(features) == 30 and len(later) == 3
    assert np.allclose(features.stack(rows), stacked[rows]) and np.allclose(later.stack([2, 0]), stacked[[29, 16]])


def test_coefficients_are_those_of_weighted_tables():
    rng = np.random.default_rng(0)
    y, tables = np.arange(40) % 3, [rng.normal(size=(40, 5)), rng.normal(size=(40, 7))]
    weights = np.array([0.25, 3])
    stacked = np.hstack([np.sqrt(weight) * table for table, weight in zip(tables, weights)])
    features, model = FeatureKernel(tables, weights), KernelRidgeClassifier(label_noise="drop")
    model.fit_primal(features, model.fit_dual(features, y))
    expected = KernelRidgeClassifier(label_noise="drop").fit(stacked, y)
    assert not model.kept_.all() and (model.kept_ == expected.kept_).all() and model.n_features_in_ == 12
    assert np.allclose(model.coef_, expected.coef_) and np.allclose(model.intercept_, expected.intercept_)


def test_a_solution_from_tables_is_that_of_their_kernel():
    rng = np.random.default_rng(0)
    tables = [rng.normal(size=(1500, width)).astype(np.float32) for width in (700, 900)]
    codes, groups, alphas = np.arange(1500) % 4, np.arange(1500) // 2, np.array([0.1, 1])
    targets, share, features = np.eye(4)[codes], np.full(1500, 1 / 1500), FeatureKernel(tables, [0.5, 2])
    kernel = features.compute()
    before = kernel.gram.copy()
    own, expected = (each.solve(targets, share, groups, alphas) for each in (features, kernel))
    assert (kernel.gram == before).all() and (kernel.gram == kernel.gram.T).all()
    assert own.alpha == expected.alpha and own.ridge == expected.ridge
    assert (own.dual == expected.dual).all() and (own.scores == expected.scores).all()
