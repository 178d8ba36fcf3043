import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow import ObjectHierarchyFeatures
from twoflow.heads.inner_folds import fit_transform_clone
from twoflow.heads.object_hierarchy import Pair

_CROSS_FITTED = "fit_transform returns out-of-fold outputs for training rows, as documented"
SUPERCLASSES = {0: "shoe", 1: "shoe", 2: "shoe", 3: "bag", 4: "bag"}


@parametrize_with_checks(
    [ObjectHierarchyFeatures()],
    expected_failed_checks=lambda estimator: {
        "check_transformer_general": _CROSS_FITTED, "check_transformer_data_not_an_array": _CROSS_FITTED
    },
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def data():
    return make_classification(300, 20, n_informative=8, n_classes=5, n_clusters_per_class=1, random_state=0)


def test_pairs_inside_and_between_superclasses(data):
    features = ObjectHierarchyFeatures(SUPERCLASSES, random_state=0).fit(*data)
    assert features.superclasses_.tolist() == ["shoe", "shoe", "shoe", "bag", "bag"]
    assert features.pairs_ == [
        Pair((3,), (4,)), Pair((0,), (1,)), Pair((0,), (2,)), Pair((1,), (2,)), Pair((3, 4), (0, 1, 2))
    ]
    assert features.get_feature_names_out().tolist() == [f"objecthierarchyfeatures{i}" for i in range(5)]


def test_a_classifier_is_a_ridge_regression_on_its_pair(data):
    X, y = data
    features = ObjectHierarchyFeatures(SUPERCLASSES, alpha=0.02).fit(X, y)
    scaled = StandardScaler().fit_transform(X)
    for i, (first, second) in enumerate(features.pairs_):
        rows = np.isin(y, first + second)
        target = np.where(np.isin(y[rows], first), 1, -1)
        penalty = 0.02 * ((scaled[rows] - scaled[rows].mean(axis=0)) ** 2).sum()
        expected = Ridge(penalty).fit(scaled[rows], target).predict(scaled)
        np.testing.assert_allclose(features.transform(X)[:, i], expected, atol=1e-4)


def test_training_rows_get_out_of_fold_outputs():
    """Labels are random, so only a classifier that was fitted on a row can predict its label."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 200)), np.arange(120) % 3
    hierarchy = ObjectHierarchyFeatures({0: "a", 1: "a", 2: "b"}, random_state=0)
    unseen = hierarchy.fit_transform(X, y)
    seen = hierarchy.transform(X)
    right = [np.mean((outputs[y < 2, 0] > 0) == (y[y < 2] == 0)) for outputs in (unseen, seen)]
    assert right[0] < 0.65 and right[1] > 0.95


def test_copies_of_a_training_row_are_held_out_with_it():
    """Labels are random. Only a classifier that was fitted on a noisy copy of a row can predict its label."""
    rng = np.random.default_rng(0)
    X, y, groups = rng.normal(size=(120, 200)).repeat(4, axis=0), (np.arange(120) % 3).repeat(4), np.arange(480) // 4
    X = X + 0.1 * rng.normal(size=X.shape)
    hierarchy = ObjectHierarchyFeatures({0: "a", 1: "a", 2: "b"}, random_state=0)
    asked = y < 2
    right = [
        np.mean((fit_transform_clone(hierarchy, X, y, given)[1][asked, 0] > 0) == (y[asked] == 0))
        for given in (groups, None)
    ]
    assert 0.35 < right[0] < 0.65 and right[1] > 0.95


def test_mid_level_features_help_a_tree(data):
    X, y = data
    train, test = np.arange(300) % 2 == 0, np.arange(300) % 2 == 1
    tree = DecisionTreeClassifier(max_depth=4, random_state=0)
    plain = clone(tree).fit(X[train], y[train]).score(X[test], y[test])
    model = make_pipeline(ObjectHierarchyFeatures(SUPERCLASSES, random_state=0), tree).fit(X[train], y[train])
    assert model.score(X[test], y[test]) > plain


def test_a_hierarchy_is_learned_from_the_class_means():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(9), 10)
    X = rng.normal(size=(90, 5)) + 20 * np.eye(5)[y // 3] + 3 * np.eye(5)[y % 3]
    found = ObjectHierarchyFeatures().fit(X, y).superclasses_
    assert len(np.unique(found)) == 3
    assert all(len(set(found[i:i + 3])) == 1 for i in (0, 3, 6))


def test_n_jobs_does_not_change_outputs_but_seeds_do(data):
    one, two = (ObjectHierarchyFeatures(random_state=0, n_jobs=n_jobs).fit_transform(*data) for n_jobs in (1, 2))
    assert (one == two).all()
    assert (ObjectHierarchyFeatures(random_state=1).fit_transform(*data) != one).any()


def test_classes_smaller_than_the_folds():
    X, y = np.random.default_rng(0).normal(size=(23, 4)), np.repeat([0, 1, 2], [11, 11, 1])
    outputs = ObjectHierarchyFeatures({0: "a", 1: "a", 2: "b"}, random_state=0).fit_transform(X, y)
    assert np.isfinite(outputs).all() and outputs[-1, 1] == 0


def test_constant_features():
    X, y = np.ones((12, 3)), np.arange(12) % 3
    assert np.isfinite(ObjectHierarchyFeatures(random_state=0).fit_transform(X, y)).all()


@pytest.mark.parametrize("bad", [{"alpha": 0}, {"cv": 1}, {"superclasses": "brand"}, {"n_jobs": "two"}])
def test_bad_parameters(bad, data):
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter"):
        ObjectHierarchyFeatures(**bad).fit(*data)


def test_bad_hierarchies(data):
    X, y = data
    with pytest.raises(ValueError, match="got none for 4"):
        ObjectHierarchyFeatures({0: "a", 1: "a", 2: "a", 3: "b"}).fit(X, y)
    with pytest.raises(ValueError, match="at least 2 classes, got 1"):
        ObjectHierarchyFeatures().fit(X, np.zeros(300, int))
