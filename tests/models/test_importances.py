"""Check the share of each flow in a decision."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from twoflow.heads import CappedClassifier, LogOpinionPool, OutOfFoldProbabilities
from twoflow.models.importances import Origin, share_of_flows

RNG = np.random.default_rng(0)
Y = np.repeat([0, 1, 2], 40)
X = RNG.normal(size=(120, 6))
X[:, 1] += 3 * Y  # "good" has columns 0 and 1, "bad" the others
BOTH = [Origin((("good", 2), ("bad", 4)), np.ones(6, dtype=bool), 6)]


@pytest.mark.parametrize(
    "classifier",
    [
        RandomForestClassifier(50, random_state=0), LogisticRegression(), RidgeClassifier(),
        make_pipeline(StandardScaler(), LogisticRegression()), make_pipeline(LogisticRegression()),
    ],
)
def test_the_informative_flow_has_the_larger_share(classifier):
    shares = share_of_flows(classifier.fit(X, Y), X, BOTH)
    assert list(shares) == ["good", "bad"] and sum(shares.values()) == pytest.approx(1)
    assert shares["good"] > 0.5


def test_a_share_is_the_sum_over_features():
    forest = RandomForestClassifier(10, random_state=0).fit(X, Y)
    shares = share_of_flows(forest, X, BOTH)
    assert shares["good"] == pytest.approx(forest.feature_importances_[:2].sum())


def test_scale_of_a_feature_has_no_effect_if_features_are_scaled():
    scaled = X * [1, 100, 1, 1, 1, 1]
    one, other = (
        share_of_flows(make_pipeline(StandardScaler(), LogisticRegression()).fit(data, Y), data, BOTH)
        for data in (X, scaled)
    )
    assert one == pytest.approx(other)


def test_coefficients_are_multiplied_by_standard_deviations():
    """Of two coefficients of 1, the one whose feature varies ten times as much has ten times the share."""
    model = RidgeClassifier().fit(X, Y)
    model.coef_ = np.array([[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])
    origins = [Origin((("wide", 1), ("narrow", 1)), np.ones(2, dtype=bool), 2)]
    wide = np.column_stack([np.tile([-10.0, 10.0], 60), np.tile([-1.0, 1.0], 60)])
    assert share_of_flows(model, wide, origins) == {"wide": pytest.approx(10 / 11), "narrow": pytest.approx(1 / 11)}


def test_shares_of_a_wrapper_are_those_of_its_classifier():
    forest = RandomForestClassifier(10, random_state=0)
    capped = CappedClassifier(forest, 1000, random_state=0).fit(X, Y)
    assert share_of_flows(capped, X, BOTH) == pytest.approx(share_of_flows(forest.fit(X, Y), X, BOTH), abs=1e-12)


def test_a_calibration_has_no_effect_on_shares():
    alone = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    calibrated = make_pipeline(StandardScaler(), OutOfFoldProbabilities(LogisticRegression()), LogOpinionPool())
    assert share_of_flows(calibrated.fit(X, Y), X, BOTH) == pytest.approx(share_of_flows(alone, X, BOTH))
    forest = RandomForestClassifier(10, random_state=0)
    two = make_pipeline(OutOfFoldProbabilities(forest, random_state=0), LogOpinionPool()).fit(X, Y)
    assert share_of_flows(two, X, BOTH) == pytest.approx(share_of_flows(forest.fit(X, Y), X, BOTH))


def test_selected_columns():
    support = np.array([False, True, False, False, True, False])
    forest = RandomForestClassifier(10, random_state=0).fit(X[:, support], Y)
    origin = Origin((("good", 2), ("bad", 3), ("empty", 1)), support, 2)
    shares = share_of_flows(forest, X[:, support], [origin])
    assert shares == {**dict(zip(["good", "bad"], forest.feature_importances_.tolist())), "empty": 0.0}


def test_features_computed_from_several_flows_share_a_name():
    forest = RandomForestClassifier(10, random_state=0).fit(X, Y)
    made, own = Origin((("a", 7), ("b", 9)), None, 4), Origin((("c", 2),), np.ones(2, dtype=bool), 2)
    shares = share_of_flows(forest, X, [made, own])
    assert shares["a + b"] == pytest.approx(forest.feature_importances_[:4].sum()) and list(shares) == ["a + b", "c"]


def test_the_same_flow_twice():
    forest = RandomForestClassifier(10, random_state=0).fit(X, Y)
    halves = [Origin((("a", 3),), np.ones(3, dtype=bool), 3)] * 2
    assert share_of_flows(forest, X, halves) == {"a": pytest.approx(1)}


@pytest.mark.parametrize(
    "classifier", [DummyClassifier(), *(make_pipeline(PCA(n), LogisticRegression()) for n in (6, 2))]
)
def test_a_classifier_without_importances(classifier):
    assert share_of_flows(classifier.fit(X, Y), X, BOTH) is None


def test_all_importances_zero():
    assert share_of_flows(RidgeClassifier().fit(np.zeros((120, 6)), Y), np.zeros((120, 6)), BOTH) is None
