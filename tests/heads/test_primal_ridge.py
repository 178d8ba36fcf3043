"""Check ridge regression in its features: it finds what the dual finds, in less memory."""

import tracemalloc

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge

from twoflow.heads import KernelRidgeClassifier, feature_kernel, primal_ridge
from twoflow.heads.dual_ridge import compute_kernel
from twoflow.heads.feature_kernel import FeatureKernel
from twoflow.heads.primal_ridge import solve_in_features

ALPHAS = np.array([0.003, 0.03, 0.3])


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:400], y[:400]


def share_of(n):
    return np.random.default_rng(0).dirichlet(np.full(n, 5.0))


GROUPS = {
    "alone": np.arange(400),
    "pairs": np.arange(400) // 2,
    "scattered": np.random.default_rng(1).permutation(np.arange(400) % 150),
    "one large group": np.minimum(np.arange(400), 200),
}


@pytest.mark.parametrize("n_values", [1_000, 2**23], ids=["many batches", "one batch"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS)
def test_it_finds_what_the_dual_finds(digits, groups, dtype, n_values, monkeypatch):
    monkeypatch.setattr(primal_ridge, "_VALUES", n_values)
    monkeypatch.setattr(primal_ridge, "_COLUMNS", 25)
    X, y = digits
    targets, share = np.eye(10)[y], share_of(400)
    exact = FeatureKernel([X[:, :20], X[:, 20:]], [0.5, 2])
    features = FeatureKernel([table.astype(dtype) for table in exact.tables], exact.weights)
    expected = exact.compute().solve(targets, share, groups, ALPHAS)
    found = solve_in_features(features, targets, share, groups, ALPHAS)
    least = 1e-9 if dtype == np.float64 else 1e-5
    assert found.alpha == expected.alpha and found.ridge == pytest.approx(expected.ridge, rel=least)
    assert np.allclose(found.scores, expected.scores, atol=least)
    assert np.allclose(found.dual, expected.dual, atol=least * np.abs(expected.dual).max())
    for own, right in zip(features.to_primal(found), exact.to_primal(expected)):
        assert np.allclose(own, right, atol=100 * least * np.abs(right).max())  # rounded to the dtype


def test_left_out_rows_are_predicted_by_models_without_their_group(digits):
    X, y = digits
    targets, share, groups = np.eye(10)[y], share_of(400), GROUPS["scattered"]
    found = solve_in_features(FeatureKernel([X]), targets, share, groups, ALPHAS[1:2])
    for group in range(5):
        fitted, left_out = groups != group, groups == group
        model = Ridge(found.ridge).fit(X[fitted], targets[fitted], share[fitted])
        assert np.allclose(found.scores[left_out], model.predict(X[left_out]), atol=1e-8)


def test_several_targets(digits):
    X, y = digits
    targets, sizes = np.hstack([np.eye(10)[y], np.eye(2)[y % 2]]), [10, 2]
    expected = compute_kernel(X).solve(targets, share_of(400), GROUPS["pairs"], ALPHAS, sizes)
    found = solve_in_features(FeatureKernel([X]), targets, share_of(400), GROUPS["pairs"], ALPHAS, sizes)
    assert found.alpha == expected.alpha and np.allclose(found.scores, expected.scores, atol=1e-9)


def test_a_classifier_solves_the_smaller_system(digits, monkeypatch):
    X, y = digits
    solved = []
    monkeypatch.setattr(
        feature_kernel, "solve_in_features", lambda *given: solved.append(1) or solve_in_features(*given)
    )
    few, many = KernelRidgeClassifier().fit(X[:120], y[:120]), KernelRidgeClassifier().fit(X, y)
    assert solved == [1] and few.dual_coef_.shape == (120, 10) and many.dual_coef_.shape == (400, 10)
    monkeypatch.setattr(feature_kernel, "ROWS_PER_FEATURE", np.inf)
    dual = KernelRidgeClassifier().fit(X, y)
    assert solved == [1] and dual.alpha_ == many.alpha_ and dual.temperature_ == pytest.approx(many.temperature_)
    assert np.allclose(dual.predict_proba(X), many.predict_proba(X), atol=1e-9)


def test_training_rows_explain_an_answer(digits):
    """In float32 too, where the coefficients are the sum of the rows only because they are improved in float64."""
    X, y = digits[0].astype(np.float32), digits[1]
    model = KernelRidgeClassifier().fit(X, y)
    found = model.row_terms(X, X[3])
    assert found.terms.shape == (400, 10)
    assert np.allclose(found.terms.sum(axis=0) + found.constant, model.decision_function(X[3:4])[0], atol=1e-4)


def test_an_outlier_and_equal_and_constant_columns():
    y = np.arange(300) % 3
    X = np.hstack([np.eye(3)[y], np.eye(3)[y], np.ones((300, 2)), 100 * (np.arange(300) == 7)[:, None]])
    model = KernelRidgeClassifier().fit(X.astype(np.float32), y)
    assert np.isfinite(model.coef_).all() and np.isfinite(model.leave_out_probabilities_).all()
    regular = np.delete(np.arange(300), 7)
    assert (model.predict(X[regular]) == y[regular]).all()
    nothing = KernelRidgeClassifier().fit(np.ones((300, 5)), y)
    assert np.allclose(nothing.predict_proba(X[:1, :5]), 1 / 3)


def test_too_large_features():
    X = np.full((90, 2), 1e30, np.float32) * np.sign(np.random.default_rng(0).normal(size=(90, 2))).astype(np.float32)
    with pytest.raises(ValueError, match="expected features whose products fit in float32, got larger ones"):
        KernelRidgeClassifier().fit(X, np.arange(90) % 3)


def test_memory_grows_with_the_rows_and_not_with_their_square():
    """The products of all rows would take 3.2 GB."""
    y = np.arange(20_000) % 4
    X = np.random.default_rng(0).normal(size=(20_000, 8)).astype(np.float32)
    X[:, 0] += y
    tracemalloc.start()
    try:
        model = KernelRidgeClassifier().fit(X, y, groups=np.arange(20_000) // 2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert model.score(X, y) > 0.4 and peak < 100e6, f"{peak / 1e6:.0f} MB"
