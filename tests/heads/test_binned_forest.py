import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow.errors import InputError
from twoflow.heads import BinnedForestClassifier

N_BINS = 32


@parametrize_with_checks(
    [BinnedForestClassifier(5)],
    # scikit-learn excuses its own forests: a bootstrap sample of repeated rows differs from one of weighted rows.
    expected_failed_checks=lambda estimator: dict.fromkeys(
        ["check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"],
        "rows are drawn, whatever they weigh",
    ),
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(600, 12, n_informative=8, n_redundant=0, n_classes=5, random_state=0)
    X[:, 0] = X[:, 0] * 1e-3 + 7  # of other units
    X[:, 1] = X[:, 1].clip(0)  # half of its values are 0
    return X.astype(np.float32), y


def thresholds(forest, feature):
    trees = [each.tree_ for each in forest.estimators_]
    return np.unique(np.concatenate([tree.threshold[tree.feature == feature] for tree in trees]))


def test_few_values_give_the_forest_of_scikit_learn():
    """With as many bins as values, no threshold is left out."""
    X, y = load_digits(return_X_y=True)  # pixels of 17 levels, some of them rare
    plain, binned = (kind(10, random_state=0).fit(X, y) for kind in (RandomForestClassifier, BinnedForestClassifier))
    assert (binned.feature_importances_ == plain.feature_importances_).all()
    assert (binned.predict_proba(X) == plain.predict_proba(X)).all()


def test_thresholds_lie_between_bins_in_the_units_of_the_features(data):
    X, y = data
    forest = BinnedForestClassifier(100, random_state=0).fit(X, y)
    for feature, column in enumerate(X.T):
        found, values = thresholds(forest, feature), np.unique(column)
        assert N_BINS // 2 <= len(found) <= N_BINS
        below = np.searchsorted(values, found) - 1
        assert (found == (values[below].astype(np.float64) + values[below + 1]) / 2).all()
        shares = np.diff([0, *(column[:, None] <= found).sum(axis=0), len(column)])
        assert shares.max() <= max(len(X) // N_BINS + 1, (column == 0).sum())


def test_training_rows_take_the_path_of_the_fit(data):
    """So a tree of pure leaves is right on all rows that it learned from."""
    X, y = data
    distinct = BinnedForestClassifier(5, bootstrap=False, random_state=0).fit(X, y)
    assert distinct.score(X, y) == 1
    for tree in distinct.estimators_:
        leaves = tree.tree_.children_left < 0
        visited = np.bincount(tree.apply(X), minlength=tree.tree_.node_count)
        assert (visited[leaves] == tree.tree_.n_node_samples[leaves]).all()


def test_frequent_values_have_a_bin_of_their_own():
    """All quantiles are 0, and still the rare values on both sides are split off."""
    x = np.zeros((1000, 1))
    x[:20, 0], x[-20:, 0] = -np.arange(1, 21), np.arange(1, 21)
    y = np.sign(x[:, 0])
    forest = BinnedForestClassifier(5, bootstrap=False, random_state=0).fit(x, y)
    assert thresholds(forest, 0).tolist() == [-0.5, 0.5]
    assert forest.score(x, y) == 1


def test_each_output_has_its_classes(data):
    X, y = data
    forest = BinnedForestClassifier(10, random_state=0).fit(X, np.column_stack([y, y > 2]))
    assert [len(classes) for classes in forest.classes_] == [5, 2]
    assert (forest.predict(X)[:, 0] == y).mean() > 0.95


def test_accuracy_is_that_of_scikit_learn():
    """On held-out digits, blurred so that each pixel has thousands of values; both are right in about 0.96."""
    X, y = load_digits(return_X_y=True)
    X = X + np.random.default_rng(0).normal(0, 1, X.shape)
    plain, binned = (
        np.mean([kind(50, random_state=seed).fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) for seed in range(3)])
        for kind in (RandomForestClassifier, BinnedForestClassifier)
    )
    assert binned > plain - 0.01 and binned > 0.9


def test_missing_values_are_learned(data):
    X, y = data
    X = X.copy()
    X[y == 0, 3] = np.nan
    X[:, 4] = np.nan
    forest = BinnedForestClassifier(30, random_state=0).fit(X, y)
    probability = forest.predict_proba(X)
    assert forest.score(X, y) > 0.95 and len(thresholds(forest, 4)) == 0
    assert np.isinf(thresholds(forest, 3)).any(), "no split of missing values from all others"
    X[:, 3] = np.nan
    assert (forest.predict_proba(X)[y > 0] != probability[y > 0]).any()


def test_infinite_values_are_refused(data):
    X, y = data[0].copy(), data[1]
    X[3, 3] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        BinnedForestClassifier(2).fit(X, y)


def test_names_of_features_are_kept(data):
    X, y = data
    names = [f"f{number}" for number in range(X.shape[1])]
    forest = BinnedForestClassifier(5, random_state=0).fit(pd.DataFrame(X, columns=names), y)
    assert forest.feature_names_in_.tolist() == names
    assert (forest.predict_proba(pd.DataFrame(X, columns=names))
            == BinnedForestClassifier(5, random_state=0).fit(X, y).predict_proba(X)).all()
    assert not hasattr(forest.fit(X, y), "feature_names_in_")


def test_the_score_of_rows_out_of_the_bootstrap_is_that_of_scikit_learn(data):
    plain, binned = (
        kind(100, oob_score=True, random_state=0).fit(*data).oob_score_
        for kind in (RandomForestClassifier, BinnedForestClassifier)
    )
    assert binned == pytest.approx(plain, abs=0.04) and binned > 0.6


def test_n_jobs_does_not_change_the_forest(data):
    one, two = (BinnedForestClassifier(8, random_state=0, n_jobs=n_jobs).fit(*data) for n_jobs in (1, 2))
    assert (one.predict_proba(data[0]) == two.predict_proba(data[0])).all()


def test_parameters_are_those_of_scikit_learns_forest():
    forest = BinnedForestClassifier(7, max_depth=3, class_weight="balanced")
    assert forest.get_params() == RandomForestClassifier(7, max_depth=3, class_weight="balanced").get_params()
    assert clone(forest).get_params() == forest.get_params()


def test_warm_start_is_refused(data):
    with pytest.raises(InputError, match="warm_start: expected False, got True"):
        BinnedForestClassifier(2, warm_start=True).fit(*data)


def test_a_sparse_table_is_not_binned(data):
    X, y = csr_matrix(data[0]), data[1]
    plain, binned = (kind(5, random_state=0).fit(X, y) for kind in (RandomForestClassifier, BinnedForestClassifier))
    assert (binned.predict_proba(X) == plain.predict_proba(X)).all()


@pytest.mark.parametrize("n_rows, is_equal", [(32, True), (33, False)])
def test_a_table_of_few_rows_is_not_binned(n_rows, is_equal):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_rows, 5)), np.arange(n_rows) % 3
    binned, plain = (kind(5, random_state=0).fit(X, y) for kind in (BinnedForestClassifier, RandomForestClassifier))
    splits = [np.concatenate([tree.tree_.threshold for tree in forest.estimators_]) for forest in (binned, plain)]
    assert np.array_equal(*splits) == is_equal
