import numpy as np
import pytest
from sklearn.linear_model import Ridge

from twoflow.deep.fine_tuning.linear_probe import _ALPHAS, fit_probe


def make_rows(n=60, width=10, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.arange(n) % 3)
    return (rng.normal(size=(n, width)) + 0.7 * np.eye(width)[codes]) * 5 + 3, codes[:, None]


def best_left_out(rows, codes, weights, groups):
    """Ridge and temperature of the least log loss, each group left out by fitting again."""
    from scipy.special import log_softmax

    from twoflow.heads.calibration import fit_temperature

    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    share, targets = weights / weights.sum(), np.eye(3)[codes]
    centered = rows - share @ rows
    unit = np.trace(centered.T @ (share[:, None] * centered)) / rows.shape[1]
    found = []
    for alpha in _ALPHAS * unit:
        scores = np.empty((len(rows), 3))
        for group in np.unique(groups):
            out = groups == group
            scores[out] = Ridge(alpha).fit(rows[~out], targets[~out], share[~out]).predict(rows[out])
        temperature = fit_temperature(scores, codes, share)
        logs = log_softmax(scores / temperature, axis=1)[np.arange(len(rows)), codes]
        found.append((-share @ logs, temperature, alpha))
    _, temperature, alpha = min(found)
    model = Ridge(alpha).fit(rows, targets, share)
    return model.coef_.T / temperature, model.intercept_ / temperature


@pytest.mark.parametrize("groups", [np.arange(60), np.arange(60) // 3])
def test_it_is_the_ridge_regression_that_leaves_groups_out_best(groups):
    rows, codes = make_rows()
    weights = np.random.default_rng(1).uniform(0.5, 2, 60)
    probe = fit_probe(rows, codes, [3], weights[:, None], groups)
    coef, intercept = best_left_out(rows, codes[:, 0], weights, groups)
    assert np.allclose(probe.coef, coef, atol=1e-5) and np.allclose(probe.intercept, intercept, atol=1e-5)


def test_fewer_rows_than_features_and_a_constant_one():
    rows, codes = make_rows(n=12, width=40)
    rows[:, 3] = 7
    probe = fit_probe(rows, codes, [3], np.ones((12, 1)))
    assert np.isfinite(probe.coef).all() and probe.scale[3] == 1


def test_a_missing_label_has_no_part():
    rows, codes = make_rows()
    weights = np.ones((60, 2))
    weights[:9, 1] = 0
    both = np.hstack([codes, codes])
    other = both.copy()
    other[:9, 1] = 0
    assert all(map(np.array_equal, fit_probe(rows, both, [3, 3], weights), fit_probe(rows, other, [3, 3], weights)))


@pytest.mark.parametrize("codes, groups, message", [
    (np.zeros((60, 1), int), None, "expected at least 2 classes among"),
    (np.arange(60)[:, None] % 3, np.zeros(60), "expected at least 2 groups among"),
])
def test_one_class_or_group_is_refused(codes, groups, message):
    with pytest.raises(ValueError, match=message):
        fit_probe(make_rows()[0], codes, [3], np.ones((60, 1)), groups)
