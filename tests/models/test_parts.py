"""Take models apart, and check that a comparison of them computes features once."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from twoflow import (
    ColorHistogram,
    FlowUnion,
    ForestSelector,
    ImageCollection,
    RawPixels,
    SIFTBagOfWords,
    TwoFlowClassifier,
    compare,
    make_model,
)
from twoflow.models import Parts, SelectingClassifier, Step, take_apart

PIXELS = ("pixels", RawPixels((6, 4)), ForestSelector(20, n_estimators=10))
COLOR = ("color", ColorHistogram(), "passthrough")


def model(head=None):
    return make_model([PIXELS, COLOR], head or LogisticRegression(C=1e-2, max_iter=1000), random_state=0)


class Mine(ClassifierMixin, BaseEstimator):
    """A user's own model: a flow and a classifier under other names."""

    def __init__(self, size=(3, 2)):
        self.size = size

    def parts(self):
        return RawPixels(self.size), RidgeClassifier()

    def fit(self, X, y):
        self.flow_, head = self.parts()
        self.head_ = head.fit(self.flow_.fit(X).transform(X), y)
        self.classes_ = self.head_.classes_
        return self

    def predict(self, X):
        return self.head_.predict(self.flow_.transform(X))


def test_models_of_this_package():
    parts = take_apart(model())
    assert [(step.name, step.n_features) for step in parts.steps] == [("pixels", 72), ("color", 128)]
    assert isinstance(parts.steps[0].selector, ForestSelector) and parts.steps[0].selector.random_state is not None
    assert parts.flows[0][1] is not PIXELS[1]
    short = take_apart(TwoFlowClassifier(random_state=0))
    assert [name for name, _ in short.flows] == ["projection", "cnn"]


def test_a_pipeline():
    union = FlowUnion([("a", RawPixels((2, 2))), ("b", FlowUnion([("c", ColorHistogram())]))])
    parts = take_apart(make_pipeline(union, StandardScaler(), RidgeClassifier()))
    assert [name for name, _ in parts.flows] == ["flowunion.a", "flowunion.c"]
    assert isinstance(parts.head, Pipeline) and len(parts.head) == 2
    assert take_apart(make_pipeline(StandardScaler(), RidgeClassifier())).steps == []
    assert take_apart(make_pipeline(RawPixels())).steps == []


@pytest.mark.parametrize("estimator", [RandomForestClassifier(), OneVsRestClassifier(RidgeClassifier()), Mine()])
def test_estimators_without_flows_are_not_taken_apart(estimator):
    assert take_apart(estimator) == Parts([], estimator)


@pytest.mark.parametrize("wrap", [CalibratedClassifierCV, TunedThresholdClassifierCV, MultiOutputClassifier])
def test_meta_estimators(wrap):
    parts = take_apart(wrap(model()))
    assert [name for name, _ in parts.flows] == ["pixels", "color"]
    assert [step.selector for step in parts.steps] == ["passthrough"] * 2
    assert isinstance(parts.head, wrap) and isinstance(parts.head.estimator, SelectingClassifier)
    assert isinstance(parts.head.estimator.selections[0][1], ForestSelector)  # fitted in each inner fold


def test_a_search():
    kept = {"head__C": [0.1, 1], "pixels_selector__max_features": [5]}
    for search in (GridSearchCV(model(), kept), GridSearchCV(model(), [kept]), RandomizedSearchCV(model(), kept)):
        parts = take_apart(search)
        assert parts.steps and isinstance(parts.head.estimator, SelectingClassifier)
    assert take_apart(GridSearchCV(model(), {**kept, "pixels__size": [(2, 2)]})).steps == []


def test_meta_estimators_keep_flows_that_learn():
    learning = make_model([("sift", SIFTBagOfWords(4))], LogisticRegression())
    assert take_apart(learning).steps and take_apart(CalibratedClassifierCV(learning)).steps == []


class CountedPixels(RawPixels):
    """Count the images whose features are computed."""

    computed = []

    def extract(self, image, n_threads):
        self.computed.append(image)
        return super().extract(image, n_threads)


def test_a_model_of_your_own_can_be_registered(shop):
    class Registered(Mine):
        def parts(self):
            return CountedPixels(self.size), RidgeClassifier()

    expected = compare({"mine": Registered()}, shop, folds=3)["mine"]
    CountedPixels.computed.clear()

    @take_apart.register
    def _(own: Registered) -> Parts:
        flow, head = own.parts()
        return Parts([Step("mine", [("mine", flow)], "passthrough")], head)

    found = compare({"mine": Registered()}, shop, folds=3)["mine"]
    assert len(CountedPixels.computed) == len(shop)
    assert all((one == other).all() for one, other in zip(found.predicted, expected.predicted))


def two_classes(shop):
    return ImageCollection(shop.images, np.where(shop.labels == shop.classes[0], "a", "b"))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inside: CalibratedClassifierCV(inside, cv=3), lambda inside: TunedThresholdClassifierCV(inside, cv=3),
        lambda inside: GridSearchCV(inside, {"head__C": [1e-3, 1e-2]}, cv=3),
    ],
)
def test_a_comparison_of_a_wrapper_computes_features_once(shop, wrap):
    """Its predictions must equal those of the wrapper fitted on images."""
    pair = two_classes(shop)
    inside = make_model([("pixels", CountedPixels((6, 4)), PIXELS[2])], LogisticRegression(C=1e-2, max_iter=1000))
    method = wrap(inside.set_params(random_state=0))
    CountedPixels.computed.clear()
    found = compare({"wrapped": method}, pair, folds=3)
    assert len(CountedPixels.computed) == len(pair)
    images = np.empty(len(pair), dtype=object)
    images[:] = pair.images
    for fold, predicted in zip(found.folds, found["wrapped"].predicted):
        alone = wrap(inside).fit(images[fold.train], pair.labels[fold.train])
        assert (alone.predict(images[fold.test]) == predicted).all()


def test_a_comparison_of_several_targets_computes_features_once(shop):
    labels = np.column_stack([np.char.partition(shop.labels, "/")[:, 0], shop.labels])
    both = ImageCollection(shop.images, labels, target_names=("kind", "model"))
    inside = make_model([("pixels", CountedPixels((6, 4)), "passthrough")], RidgeClassifier(), random_state=0)
    CountedPixels.computed.clear()
    found = compare({"both": MultiOutputClassifier(inside)}, both, folds=3)
    assert len(CountedPixels.computed) == len(both)
    assert list(found["both"].scores)[0] == "exact_match" == found.tested_score
    features = RawPixels((6, 4)).fit_transform(both)
    for fold, predicted in zip(found.folds, found["both"].predicted):
        alone = MultiOutputClassifier(RidgeClassifier()).fit(features[fold.train], labels[fold.train])
        assert (alone.predict(features[fold.test]) == predicted).all()
