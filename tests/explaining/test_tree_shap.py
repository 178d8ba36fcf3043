"""Forests explained by the package shap, an extra."""

from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from twoflow import ColorHistogram, ForestSelector, PixelProjection, explain, make_model
from twoflow.errors import MissingExtraError
from twoflow.explaining.tree_shap import shap_values
from twoflow.heads import BinnedForestClassifier, MultiTargetClassifier
from twoflow.models.selecting_classifier import SelectingClassifier

from ..lanes import unavailable


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    codes = np.arange(60) % 3
    return (rng.rand(60, 6) + np.eye(6)[codes]).astype(np.float32), np.array(["boot", "clog", "tee"])[codes]


@pytest.fixture(scope="module")
def forest_model(shop):
    flows = [("color", ColorHistogram(size=32)), ("projection", PixelProjection(16, (32, 24), random_state=0))]
    return make_model(flows, "forest", random_state=0).set_params(head__n_estimators=20).fit(shop)


def needs_shap():
    if find_spec("shap") is None:
        unavailable("needs shap, the extra shap")


def test_without_the_package_the_error_says_how_to_install_it(forest_model, shop, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "shap", None)
    with pytest.raises(MissingExtraError, match=r'pip install "twoflow\[shap\]"'):
        explain(forest_model, shop.images[0], method="shap")


@pytest.mark.parametrize("head", [
    GaussianNB(), make_pipeline(StandardScaler(), RandomForestClassifier(3)),
    make_pipeline(StandardScaler(), GaussianNB()),
    SelectingClassifier([("one", StandardScaler(), slice(0, 3))], RandomForestClassifier(3)),
], ids=["no trees", "scaled", "neither", "scaled flow"])
def test_heads_without_trees_or_with_other_selectors_have_none(head, data):
    X, y = data
    assert shap_values(head.fit(X, y), X[0], 0, "boot") is None


@pytest.mark.filterwarnings("ignore")  # what shap and numba warn of is theirs
@pytest.mark.parametrize("head", [
    RandomForestClassifier(10, random_state=0), BinnedForestClassifier(10, random_state=0),
    ExtraTreesClassifier(10, random_state=0),
    DecisionTreeClassifier(random_state=0, max_depth=2),
    make_pipeline(
        ForestSelector(max_features=3, random_state=0), "passthrough", RandomForestClassifier(10, random_state=0)
    ),
    SelectingClassifier(
        [("one", ForestSelector(random_state=0), slice(2, 6)), ("other", "passthrough", np.array([1, 0]))],
        RandomForestClassifier(10, random_state=0),
    ),
], ids=["forest", "binned", "extra", "tree", "selected", "selecting"])
def test_the_values_sum_to_the_probability(head, data):
    needs_shap()
    X, y = data
    head.fit(X, y)
    for x, proba in zip(X, head.predict_proba(X[:3])):
        for label, expected in zip(head.classes_.tolist(), proba):
            found = shap_values(head, x, 0, label)
            assert found.values.shape == (6,) and found.constant + found.values.sum() == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [MultiOutputClassifier, MultiTargetClassifier])
def test_several_targets_have_a_forest_each(kind, data):
    needs_shap()
    X, y = data
    head = kind(RandomForestClassifier(5, random_state=0)).fit(X, np.column_stack([y, y == "boot"]))
    found = shap_values(head, X[0], 1, head.classes_[1].tolist()[0])
    assert found.constant + found.values.sum() == pytest.approx(head.predict_proba(X[:1])[1][0, 0])


@pytest.mark.filterwarnings("ignore")
def test_what_has_no_places_is_unlocated(forest_model, shop):
    needs_shap()
    reason, = explain(forest_model, shop.images[0], method="shap").reasons
    assert reason.method == "shap" and reason.score == pytest.approx(reason.confidence)
    assert reason.constant + sum(reason.shares.values()) == pytest.approx(reason.score)
    assert reason.constant + reason.map.sum() + sum(reason.unlocated.values()) == pytest.approx(reason.score, abs=1e-4)
    assert reason.unlocated["projection"] == pytest.approx(reason.shares["projection"])
    assert reason.map.any()
