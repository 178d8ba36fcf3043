import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.utils import compute_class_weight
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow.heads import KernelRidgeClassifier, KernelSVMClassifier
from twoflow.heads.calibration import fit_temperature
from twoflow.heads.dual_ridge import compute_kernel, fits_from_kernel, solve, solve_one
from twoflow.heads.kernel_ridge import _find_credible


@parametrize_with_checks(
    [KernelRidgeClassifier(), KernelRidgeClassifier((0.1,), class_weight="balanced", label_noise="drop")]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    """Return training rows, training labels, test rows, test labels."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[:400], order[400:]
    return X[train], y[train], X[test], y[test]


def refit(X, y, alpha, class_weight=None):
    """Return a function that fits scikit-learn's ridge regression of the class indicators on given rows.

    The ridge and the weights are computed from all rows, whichever rows are fitted on.
    """
    classes, codes = np.unique(y, return_inverse=True)
    weight = compute_class_weight(class_weight, classes=classes, y=y)[codes]
    mean = np.average(X, axis=0, weights=weight)
    diagonal = weight * ((X - mean) ** 2).sum(axis=1)
    targets = np.eye(len(classes))[codes]
    return lambda rows: Ridge(alpha * diagonal.mean()).fit(X[rows], targets[rows], weight[rows])


def leave_out_by_refitting(X, y, alpha, class_weight, groups):
    fit = refit(X, y, alpha, class_weight)
    scores = np.empty((len(y), len(np.unique(y))))
    for group in np.unique(groups):
        scores[groups == group] = fit(groups != group).predict(X[groups == group])
    return scores


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0, 1: 0.5}])
@pytest.mark.parametrize("n_features, n_classes", [(7, 3), (90, 3), (90, 2)])
def test_model_equals_ridge_regression_of_indicators(class_weight, n_features, n_classes):
    rng = np.random.default_rng(0)
    X, y = rng.normal(2, 1, (60, n_features)), rng.integers(0, n_classes, 60)
    y[:15] = 0
    model = KernelRidgeClassifier((0.07,), class_weight=class_weight).fit(X, y)
    expected = refit(X, y, 0.07, class_weight)(slice(None))
    coef, intercept = expected.coef_, expected.intercept_
    if n_classes == 2:
        coef, intercept = np.diff(coef, axis=0), np.diff(intercept)
    np.testing.assert_allclose(model.coef_, coef, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, intercept, atol=1e-12)
    scores = expected.predict(X)
    decision = scores[:, 1] - scores[:, 0] if n_classes == 2 else scores
    np.testing.assert_allclose(model.decision_function(X), decision, atol=1e-12)
    np.testing.assert_allclose(model.predict_proba(X), softmax(scores / model.temperature_, axis=1), atol=1e-10)
    assert (model.predict(X) == model.predict_proba(X).argmax(axis=1)).all()


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("n_groups", [None, 25, 2])
@pytest.mark.parametrize("n_features", [5, 80])
def test_leave_out_predictions_equal_refitting(class_weight, n_groups, n_features):
    rng = np.random.default_rng(1)
    X, y = rng.normal(3, 1, (60, n_features)), rng.integers(0, 3, 60)
    y[:12] = 0
    groups = None if n_groups is None else rng.integers(0, n_groups, 60).astype(str)
    model = KernelRidgeClassifier((0.01,), class_weight=class_weight).fit(X, y, groups=groups)
    scores = leave_out_by_refitting(X, y, 0.01, class_weight, np.arange(60) if groups is None else groups)
    np.testing.assert_allclose(
        model.leave_out_probabilities_, softmax(scores / model.temperature_, axis=1), rtol=1e-8, atol=1e-10
    )
    weight = compute_class_weight(class_weight, classes=np.arange(3), y=y)[y]
    assert model.temperature_ == pytest.approx(fit_temperature(scores, y, weight), rel=1e-4)
    assert model.leave_out_accuracy_ == pytest.approx(np.average(scores.argmax(axis=1) == y, weights=weight))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(6, 25), n_features=st.integers(1, 30), alpha=st.floats(1e-3, 1e3),
       n_groups=st.integers(2, 30))
def test_leave_out_predictions_equal_refitting_for_any_problem(seed, n, n_features, alpha, n_groups):
    """Some problems have a group with all rows of a class, and all have columns that are near copies."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, n_features)), rng.integers(0, 3, n)
    X[:, -1] = X[:, 0] + 1e-3 * X[:, -1]
    y[:2], groups = [0, 1], rng.integers(0, n_groups, n)
    groups[:2] = [0, 1]
    model = KernelRidgeClassifier((alpha,)).fit(X, y, groups)
    scores = leave_out_by_refitting(X, y, alpha, None, groups)
    # Log probabilities differ from scaled scores only by a constant per row, so compare differences to the maximum.
    logs = np.log(model.leave_out_probabilities_)
    expected = scores / model.temperature_
    close = expected - expected.max(axis=1, keepdims=True) > -30
    difference = logs - logs.max(axis=1, keepdims=True) - (expected - expected.max(axis=1, keepdims=True))
    np.testing.assert_allclose(difference[close], 0, atol=1e-5)


def test_float32_agrees_with_float64(digits):
    """The mean is large compared with the differences, so it must be subtracted before rounding."""
    X, y, test, _ = digits
    double = KernelRidgeClassifier().fit(X + 300, y)
    single = KernelRidgeClassifier().fit((X + 300).astype(np.float32), y)
    assert (single.coef_.dtype, single.intercept_.dtype) == (np.float32, np.float32)
    assert single.alpha_ == double.alpha_
    np.testing.assert_allclose(single.leave_out_probabilities_, double.leave_out_probabilities_, atol=1e-4)
    np.testing.assert_allclose(single.predict_proba(test + 300), double.predict_proba(test + 300), atol=5e-3)


def test_ridge_below_float32_rounding_is_raised(digits):
    """Without a lower bound, the kernel of 400 rows with 64 columns would have negative eigenvalues."""
    X, y, test, labels = digits
    model = KernelRidgeClassifier((1e-12,)).fit(X.astype(np.float32), y)
    assert model.score(test, labels) > 0.8
    assert model.leave_out_accuracy_ == pytest.approx(model.score(test, labels), abs=0.05)


def test_many_columns_are_centered_in_blocks(digits):
    """Each column is repeated fifty times: more columns than one block, and the last block is not full."""
    X, y, test, _ = digits
    once, often = (KernelRidgeClassifier((0.1,)).fit(np.tile(X, times), y) for times in (1, 50))
    np.testing.assert_allclose(often.predict_proba(np.tile(test, 50)), once.predict_proba(test), atol=1e-9)
    np.testing.assert_allclose(often.coef_, np.tile(once.coef_, 50) / 50, atol=1e-12)


def test_alpha_is_the_one_of_highest_leave_out_accuracy(digits):
    X, y, *_ = digits
    alphas = (30.0, 1e-4, 1.0, 1e-2)
    accuracy = {alpha: KernelRidgeClassifier((alpha,)).fit(X, y).leave_out_accuracy_ for alpha in alphas}
    model = KernelRidgeClassifier(alphas).fit(X, y)
    assert model.leave_out_accuracy_ == max(accuracy.values()) == accuracy[model.alpha_]
    assert len(set(accuracy.values())) > 1


def test_groups_of_near_copies_prevent_overfitting():
    """Labels are noisy, and each row has a copy. If only the row is left out, its copy gives the label away."""
    X, y = make_classification(150, 300, n_informative=5, flip_y=0.3, random_state=0)
    rng = np.random.default_rng(0)
    X, y, groups = np.vstack([X, X + 1e-3 * rng.normal(size=X.shape)]), np.r_[y, y], np.tile(np.arange(150), 2)
    model = KernelRidgeClassifier((1e-3, 3, 30))
    alone, together = clone(model).fit(X, y), clone(model).fit(X, y, groups)
    assert alone.alpha_ == 1e-3 and alone.leave_out_accuracy_ > 0.95
    assert together.alpha_ > 1 and together.leave_out_accuracy_ < 0.8


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_scale_of_features_does_not_matter(digits, scale):
    X, y, test, _ = digits
    one, other = KernelRidgeClassifier().fit(X, y), KernelRidgeClassifier().fit(X * scale, y)
    assert one.alpha_ == other.alpha_
    np.testing.assert_allclose(one.predict_proba(test), other.predict_proba(test * scale), atol=1e-8)


def test_probabilities_are_calibrated(digits):
    """Compare with a logistic regression whose C is chosen by the log loss of its probabilities."""
    X, y, test, labels = digits
    logistic = GridSearchCV(
        LogisticRegression(max_iter=300), {"C": [1e-4, 1e-3, 1e-2, 1e-1]}, scoring="neg_log_loss", cv=3
    ).fit(X / 4, y)
    model = KernelRidgeClassifier().fit(X, y)
    assert log_loss(labels, model.predict_proba(test)) < log_loss(labels, logistic.predict_proba(test / 4)) + 0.05
    # The mean probability of the predicted class must equal the accuracy.
    sure = model.predict_proba(test).max(axis=1).mean()
    assert sure == pytest.approx(model.score(test, labels), abs=0.03)
    assert model.leave_out_accuracy_ == pytest.approx(model.score(test, labels), abs=0.03)


def test_temperature_is_recovered():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4000, 3)) * 7
    codes = np.array([rng.choice(3, p=p) for p in softmax(scores / 5, axis=1)])
    assert fit_temperature(scores, codes, np.ones(4000)) == pytest.approx(5, rel=0.1)
    assert fit_temperature(scores / 1e9, codes, np.ones(4000)) == pytest.approx(5e-9, rel=0.1)
    first = np.arange(4000) < 2000
    mixed = np.where(first[:, None], scores, 3 * scores)
    assert fit_temperature(mixed, codes, first + 1e-9) == pytest.approx(5, rel=0.1)
    assert fit_temperature(mixed, codes, ~first + 1e-9) == pytest.approx(15, rel=0.1)
    assert fit_temperature(np.zeros((5, 2)), np.zeros(5, dtype=int), np.ones(5)) == 1


def test_probabilities_stay_below_1_if_all_rows_are_right():
    X, y = np.repeat(np.eye(3), 20, axis=0), np.repeat(np.arange(3), 20)
    model = KernelRidgeClassifier().fit(X, y)
    assert model.leave_out_accuracy_ == 1
    assert 0.95 < model.predict_proba(X).max() < 0.999


def mislabel(y, seed):
    """Replace a fifth of the labels by another digit."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(len(y)) < 0.2, (y + rng.integers(1, 10, len(y))) % 10, y)


def test_dropping_mislabeled_rows_raises_accuracy():
    """The gain is a mean over splits, with more columns than rows."""
    X, y = load_digits(return_X_y=True)
    X = np.maximum(X @ np.random.default_rng(0).normal(size=(64, 1000)) / 50 - 1, 0)
    gains = []
    for seed in range(6):
        order = np.random.default_rng(seed).permutation(len(y))
        train, test = order[:400], order[400:]
        noisy = mislabel(y[train], seed)
        keep, drop = (KernelRidgeClassifier(label_noise=what).fit(X[train], noisy) for what in ("keep", "drop"))
        wrong = noisy != y[train]
        assert keep.kept_.all()
        assert wrong[~drop.kept_].mean() > 0.9 and (~drop.kept_)[wrong].mean() > 0.6
        gains.append(drop.score(X[test], y[test]) - keep.score(X[test], y[test]))
    assert np.mean(gains) > 0.005


def test_dropping_rows_equals_fitting_on_kept_rows(digits):
    X, y, test, _ = digits
    noisy = mislabel(y, 0)
    drop = KernelRidgeClassifier(label_noise="drop").fit(X, noisy)
    again = KernelRidgeClassifier().fit(X[drop.kept_], noisy[drop.kept_])
    np.testing.assert_allclose(drop.coef_, again.coef_, atol=1e-10)
    np.testing.assert_allclose(drop.predict_proba(test), again.predict_proba(test), atol=1e-8)
    np.testing.assert_allclose(drop.leave_out_probabilities_[drop.kept_], again.leave_out_probabilities_, atol=1e-8)
    # The final model was not fitted on a dropped row, so the row's prediction is already held out.
    np.testing.assert_allclose(
        drop.leave_out_probabilities_[~drop.kept_], again.predict_proba(X[~drop.kept_]), atol=1e-8
    )
    right = drop.leave_out_probabilities_.argmax(axis=1) == noisy
    assert drop.leave_out_accuracy_ == right.mean() < again.leave_out_accuracy_


def test_rows_are_dropped_by_the_rule_of_confident_learning():
    rng = np.random.default_rng(0)
    probabilities, codes = rng.dirichlet([1, 1, 1], 300), np.arange(300) % 3
    probabilities[codes == 0] = rng.dirichlet([9, 1, 1], 100)  # a class with a high threshold
    thresholds = [probabilities[codes == label, label].mean() for label in range(3)]
    kept, own_below_threshold = [], 0
    for p, label in zip(probabilities, codes):
        confident = [other for other in range(3) if p[other] >= thresholds[other]]
        best = max(confident, key=lambda other: p[other], default=label)
        kept.append(best == label or p[best] <= p[label])
        own_below_threshold += best != label and p[best] <= p[label]
    assert 0 < own_below_threshold < sum(kept) < 300
    assert _find_credible(probabilities, codes).tolist() == kept


def test_rows_are_dropped_by_leave_out_probabilities(digits):
    X, y, *_ = digits
    noisy = mislabel(y, 1)
    first = KernelRidgeClassifier().fit(X, noisy)
    kept = KernelRidgeClassifier(label_noise="drop").fit(X, noisy).kept_
    assert 0 < kept.sum() < 400
    assert (_find_credible(first.leave_out_probabilities_, noisy) == kept).all()


def test_dropped_rows_are_judged_without_their_group():
    X, y = make_classification(120, 60, n_informative=8, n_classes=3, flip_y=0.3, random_state=0)
    groups = np.arange(120) // 3
    model = KernelRidgeClassifier((0.1,), class_weight="balanced", label_noise="drop").fit(X, y, groups)
    kept = model.kept_
    fit = refit(X[kept], y[kept], 0.1, "balanced")
    mixed = [group for group in np.unique(groups[~kept]) if kept[groups == group].any()]
    assert len(mixed) > 3
    for group in mixed:
        scores = fit(groups[kept] != group).predict(X[groups == group])
        expected = softmax(scores / model.temperature_, axis=1)
        np.testing.assert_allclose(model.leave_out_probabilities_[groups == group], expected, atol=1e-8)


def test_at_least_two_rows_of_each_class_are_kept(digits):
    X, y, *_ = digits
    labels = np.where(np.arange(len(y)) % 100 < 2, 10, y)  # eight rows that have nothing in common
    labels[np.flatnonzero(labels == 9)[1:]] = 8
    model = KernelRidgeClassifier(label_noise="drop").fit(X, labels)
    assert np.bincount(labels[model.kept_])[9:].tolist() == [1, 2]
    own = KernelRidgeClassifier().fit(X, labels).leave_out_probabilities_[:, 10]
    rows = np.flatnonzero(labels == 10)
    assert set(rows[np.argsort(own[rows])[-2:]]) == set(rows[model.kept_[rows]])


def test_class_weight():
    X, y = make_classification(400, 10, weights=[0.93], class_sep=0.5, random_state=0)
    plain, balanced = (KernelRidgeClassifier(class_weight=weight).fit(X, y) for weight in (None, "balanced"))
    recall = [model.predict(X)[y == 1].mean() for model in (plain, balanced)]
    assert recall[1] > recall[0] + 0.3
    counts = np.bincount(y)
    one, other = (
        KernelRidgeClassifier(class_weight={0: factor / counts[0], 1: factor / counts[1]}).fit(X, y)
        for factor in (1, 1000)
    )
    for model in (one, other):  # only the ratio counts
        np.testing.assert_allclose(model.predict_proba(X), balanced.predict_proba(X), atol=1e-9)


@pytest.mark.parametrize("label_noise", ["keep", "drop"])
def test_the_order_of_rows_does_not_matter(digits, label_noise):
    X, y, test, _ = digits
    X, y, groups = X[:200], y[:200], np.arange(200) // 2
    order = np.random.default_rng(0).permutation(200)
    model = KernelRidgeClassifier(label_noise=label_noise)
    one, other = clone(model).fit(X, y, groups), clone(model).fit(X[order], y[order], groups[order])
    assert (one.kept_[order] == other.kept_).all()
    np.testing.assert_allclose(one.predict_proba(test), other.predict_proba(test), atol=1e-8)
    np.testing.assert_allclose(one.leave_out_probabilities_[order], other.leave_out_probabilities_, atol=1e-8)


def test_fit_is_deterministic(digits):
    X, y, test, _ = digits
    one, other = (KernelRidgeClassifier(label_noise="drop").fit(X, y) for _ in range(2))
    assert (one.predict_proba(test) == other.predict_proba(test)).all()


def test_feature_names(digits):
    X, y, test, _ = digits
    names = [f"pixel{i}" for i in range(64)]
    model = KernelRidgeClassifier((0.1,)).fit(pd.DataFrame(X, columns=names), y)
    assert model.feature_names_in_.tolist() == names
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(pd.DataFrame(test, columns=names[::-1]))


def test_a_pickle_does_not_hold_the_training_rows():
    X = np.random.default_rng(0).normal(size=(300, 2000)).astype(np.float32)
    model = KernelRidgeClassifier((0.1,)).fit(X, np.arange(300) % 2 == 0)
    pickled = pickle.dumps(model)
    assert len(pickled) < 20_000 < X.nbytes
    assert (pickle.loads(pickled).predict_proba(X) == model.predict_proba(X)).all()


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_constant_features_predict_class_shares(value):
    X, y = np.full((40, 5), value, dtype=np.float32), np.repeat([0, 1, 2], [24, 12, 4])
    model = KernelRidgeClassifier().fit(X, y)
    np.testing.assert_allclose(model.decision_function(X), np.tile([0.6, 0.3, 0.1], (40, 1)), atol=1e-6)
    assert (model.predict(X + 1) == 0).all()


def test_rounding_errors_of_constant_features_have_no_effect():
    X, y = np.nextafter(np.full((40, 5), 0.1), np.arange(40)[:, None] % 2), np.arange(40) % 2
    assert (X[1] > X[0]).all()
    np.testing.assert_allclose(KernelRidgeClassifier().fit(X, y).predict_proba(X), 0.5, atol=1e-3)


def test_a_class_of_one_row():
    X, y = make_classification(60, 8, random_state=0)
    labels = np.where(np.arange(60) == 5, "rare", np.array(["one", "two"])[y])
    for label_noise in ("keep", "drop"):
        model = KernelRidgeClassifier(label_noise=label_noise).fit(X, labels)
        assert model.classes_.tolist() == ["one", "rare", "two"] and model.kept_[5]
        assert model.predict_proba(X).shape == (60, 3)
        assert np.isfinite(model.leave_out_probabilities_).all()


@pytest.mark.parametrize("alphas", [(), (0.1, 0.0), (-1,), (np.nan,), (np.inf,), ("a",), ((0.1, 1.0),), 0.1, None])
def test_bad_alphas(alphas):
    with pytest.raises(ValueError, match="alphas"):
        KernelRidgeClassifier(alphas).fit(np.eye(4), [0, 0, 1, 1])


@pytest.mark.parametrize(
    "parameters, fit, message",
    [
        ({"label_noise": "ignore"}, {}, "'label_noise' parameter"),
        ({"class_weight": "even"}, {}, "'class_weight' parameter"),
        ({"class_weight": {0: 0.0}}, {}, "expected positive weights"),
        ({"class_weight": {0: np.nan}}, {}, "expected positive weights"),
        ({}, {"y": [1, 1, 1, 1]}, "at least two classes; all 4 labels are 1"),
        ({}, {"y": [0.1, 0.5, 1.5, 2.5]}, "Unknown label type"),
        ({}, {"X": np.diag([1, np.nan, 1, 1])}, "contains NaN"),
        ({}, {"X": np.diag([1, np.inf, 1, 1])}, "contains infinity"),
        ({}, {"X": np.eye(4, dtype=np.float32) * 1e30}, "products fit in float32"),
        ({}, {"groups": [1, 2, 3]}, "each of the 4 rows, got 3"),
        ({}, {"groups": [1, 1, 1, 1]}, "need at least 2 groups, got 1"),
        ({}, {"groups": [1, 2, None, 4]}, "groups: 1 missing"),
    ],
)
def test_bad_input(parameters, fit, message):
    with pytest.raises(ValueError, match=message):
        KernelRidgeClassifier(**parameters).fit(**{"X": np.eye(4), "y": [0, 0, 1, 1], **fit})


def test_fits_from_kernel_is_recognized():
    assert fits_from_kernel(KernelRidgeClassifier()) and not fits_from_kernel(KernelSVMClassifier())


def test_solve_one_equals_solve():
    rng = np.random.default_rng(0)
    kernel, share = compute_kernel(rng.normal(size=(20, 30))), rng.dirichlet(np.ones(20))
    targets = np.eye(2)[np.arange(20) % 2]
    expected = solve(kernel, targets, share, np.arange(20), np.array([0.3])).dual
    np.testing.assert_allclose(solve_one(kernel, targets, share, 0.3), expected, atol=1e-12)
