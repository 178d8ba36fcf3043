import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow import ForestSelector
from twoflow.heads import BinnedForestClassifier


@parametrize_with_checks(
    [
        ForestSelector(n_estimators=5),
        ForestSelector(max_features=2, threshold=0.0, n_estimators=5),
        ForestSelector(estimator="extra-trees", n_estimators=5),
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def data():
    return make_classification(
        300, 40, n_informative=6, n_redundant=0, n_classes=3, n_clusters_per_class=1, shuffle=False, random_state=0
    )


def test_rule_of_the_paper(data):
    """Rank by importance, and keep the top K of the features above the mean."""
    X, y = data
    importances = BinnedForestClassifier(100, random_state=0).fit(X, y).feature_importances_
    above = np.flatnonzero(importances > importances.mean())
    top = above[np.argsort(importances[above])[::-1]]
    for K in (2, 5, 1000):
        selector = ForestSelector(max_features=K, random_state=0).fit(X, y)
        assert selector.get_support(indices=True).tolist() == sorted(top[:K])
    assert (selector.feature_importances_ == importances).all()
    assert selector.threshold_ == pytest.approx(1 / 40)


@pytest.mark.parametrize("estimator", ["random-forest", "extra-trees"])
def test_informative_features_are_found(data, estimator):
    selector = ForestSelector(max_features=4, estimator=estimator, random_state=0).fit(*data)
    assert set(selector.get_support(indices=True)) <= set(range(6))


def test_estimator_chooses_the_forest(data):
    importances = [ForestSelector(estimator=name, random_state=0).fit(*data).feature_importances_
                   for name in ("random-forest", "extra-trees")]
    assert (importances[1] == ExtraTreesClassifier(100, random_state=0).fit(*data).feature_importances_).all()
    assert (importances[0] != importances[1]).any()


def test_n_jobs_does_not_change_importances(data):
    one, two = (ForestSelector(random_state=0, n_jobs=n_jobs).fit(*data) for n_jobs in (1, 2))
    assert (one.feature_importances_ == two.feature_importances_).all()


def test_constant_features_are_kept():
    """All importances are 0, so all reach their mean. A model needs at least one feature."""
    X, y = np.zeros((20, 4)), np.arange(20) % 2
    assert ForestSelector(random_state=0).fit_transform(X, y).shape == (20, 4)
    assert ForestSelector(max_features=3, random_state=0).fit_transform(X, y).shape == (20, 3)


@pytest.mark.parametrize("bad", [{"max_features": 0}, {"max_features": 1.5}, {"n_estimators": 0}, {"threshold": None},
                                 {"estimator": "boosting"}])
def test_bad_parameters(bad, data):
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter"):
        ForestSelector(**bad).fit(*data)
    with pytest.raises(ValueError, match="threshold"):
        ForestSelector(threshold="average").fit(*data)
