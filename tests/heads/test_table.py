from typing import get_args

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline

from twoflow import ForestSelector, make_model
from twoflow.flows import (
    CNNEmbedding,
    ColorHistogram,
    FlowTags,
    FlowUnion,
    GISTDescriptor,
    LBPHistogram,
    PixelProjection,
    RawPixels,
    SIFTBagOfWords,
)
from twoflow.flows.contract import FeatureKind, feature_kind
from twoflow.flows.sharpness import Sharpness
from twoflow.heads import KernelRidgeClassifier, LogOpinionPool, OutOfFoldProbabilities
from twoflow.heads.random_states import seeded
from twoflow.heads.table import HEADS, get_head
from twoflow.images.tags import extend_tags

from ..public_paths import without_public_path

FLOWS = [("color", ColorHistogram(bins=(4, 2, 2))), ("stage3", CNNEmbedding(layer="stage3"))]


@pytest.mark.parametrize("head", [*HEADS])
def test_every_head_learns_and_gives_probabilities(shop, head):
    train, test = np.arange(len(shop)) % 4 > 0, np.arange(len(shop)) % 4 == 0
    model = make_model(FLOWS, head, random_state=0).fit(shop[train], shop.labels[train])
    assert model.score(shop[test], shop.labels[test]) > 0.5  # of four classes
    probability = model.predict_proba(shop[test])
    assert np.allclose(probability.sum(axis=1), 1, atol=1e-5) and (probability >= 0).all()
    assert (model.classes_[probability.argmax(axis=1)] == model.predict(shop[test])).all()
    assert log_loss(shop.labels[test], probability) < np.log(4)  # better than equal probabilities
    again = make_model(FLOWS, head, random_state=0).fit(shop[train], shop.labels[train])
    assert (again.predict_proba(shop[test]) == probability).all()


def tagged(kind):
    """Make an estimator that has only the tag for the kind of its features."""

    class Tagged(BaseEstimator):
        def __sklearn_tags__(self):
            tags = extend_tags(super().__sklearn_tags__(), FlowTags)
            tags.feature_kind = kind
            return tags

    return Tagged()


@pytest.mark.parametrize("kind, most", [("dense", 400), ("histogram", 400), ("projection", 55), ("unit", 400)])
def test_a_forest_selects_by_the_kind_of_features(kind, most):
    assert HEADS["forest"].selector(tagged(kind)).max_features == most


@pytest.mark.parametrize("kind, weight", [("dense", 1), ("histogram", 0.1), ("projection", 1), ("unit", 1)])
def test_rows_for_a_kernel_have_equal_norm(kind, weight):
    rows = np.random.RandomState(0).rand(9, 5)
    if kind == "unit":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    model = make_pipeline(HEADS["kernel-ridge"].selector(tagged(kind)))
    assert np.allclose((model.fit_transform(rows) ** 2).sum(axis=1), weight)


def test_a_kernel_takes_the_square_roots_of_histograms():
    rows = np.random.RandomState(0).rand(9, 5)
    found = HEADS["kernel-ridge"].selector(tagged("histogram")).fit_transform(rows)
    assert np.allclose(found, np.sqrt(0.1 * rows / rows.sum(axis=1, keepdims=True)))


def test_features_of_unit_norm_are_not_scaled():
    assert HEADS["kernel-ridge"].selector(tagged("unit")) == "passthrough"


def test_a_stack_has_a_head_for_each_flow():
    selector = HEADS["stack"].selector(tagged("unit"))
    assert isinstance(selector, OutOfFoldProbabilities) and selector.classifier[0] == "passthrough"


def test_an_estimator_without_tags_is_dense():
    assert HEADS["forest"].selector(object()).max_features == 400


@pytest.mark.parametrize("head", ["forest", "kernel-ridge", "lda", "kernel-svm", "stack"])
def test_unknown_kind_of_features(head):
    with pytest.raises(ValueError, match="tag feature_kind of Tagged to be one of .*, got 'histogramm'; set one"):
        HEADS[head].selector(tagged("histogramm"))


@pytest.mark.parametrize("flow, kind", [
    (PixelProjection(), "projection"), (CNNEmbedding(), "dense"), (RawPixels(), "dense"), (GISTDescriptor(), "dense"),
    (ColorHistogram(), "histogram"), (LBPHistogram(), "histogram"), (SIFTBagOfWords(), "histogram"),
    (CNNEmbedding(layer="stage3", pooling="covariance"), "unit"),
])
def test_kinds_of_features(flow, kind):
    assert feature_kind(flow) == kind
    # A union of one flow has the kind of its member. The features of two unit flows together have another norm.
    assert feature_kind(FlowUnion([("one", flow)])) == kind
    assert feature_kind(FlowUnion([("one", flow), ("two", clone(flow))])) == ("dense" if kind == "unit" else kind)
    assert feature_kind(FlowUnion([("one", flow), ("other", Sharpness()), ("more", tagged("unit"))])) == "dense"


@pytest.mark.parametrize("kind", get_args(FeatureKind))
@pytest.mark.parametrize("head", [*HEADS])
def test_objects_in_a_fitted_model_have_public_paths(head, kind):
    """A model file contains the paths of its classes and functions, so these paths must not change."""
    rng = np.random.RandomState(0)
    X, y = rng.rand(40, 6), np.arange(40) % 4
    model = seeded(make_pipeline(HEADS[head].selector(tagged(kind)), HEADS[head].classifier()), rng).fit(X, y)
    assert without_public_path(model) == set()


@pytest.fixture(scope="module")
def digits():
    """Return training rows, training labels, test rows, test labels."""
    X, y = load_digits(return_X_y=True)
    return X[:900], y[:900], X[900:], y[900:]


@pytest.mark.parametrize("head", [name for name in HEADS if name != "forest"])
def test_probabilities_are_calibrated(digits, head):
    X, y, X_test, y_test = digits
    parts = HEADS[head].selector(RawPixels()), HEADS[head].classifier()
    model = seeded(make_pipeline(*parts), np.random.RandomState(0)).fit(X, y)
    assert model.score(X_test, y_test) > 0.85
    assert mean_confidence(model, X_test) == pytest.approx(model.score(X_test, y_test), abs=0.04)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("head", [name for name in HEADS if name != "forest"])
def test_probabilities_are_calibrated_with_classes_of_one_image(digits, head):
    X, y, X_test, y_test = digits
    kept = np.concatenate([*(np.flatnonzero(y == rare)[:1] for rare in range(3)), np.flatnonzero(y >= 3)])
    parts = HEADS[head].selector(RawPixels()), HEADS[head].classifier()
    model = seeded(make_pipeline(*parts), np.random.RandomState(0)).fit(X[kept], y[kept])
    X_test, y_test = X_test[y_test >= 3], y_test[y_test >= 3]
    assert mean_confidence(model, X_test) == pytest.approx(model.score(X_test, y_test), abs=0.04)


def test_calibrating_a_forest_keeps_its_accuracy(digits):
    X, y, X_test, y_test = digits
    forest, calibrated = (
        seeded(HEADS[head].classifier(), np.random.RandomState(0)).fit(X, y) for head in ("forest", "calibrated-forest")
    )
    assert mean_confidence(forest, X_test) < forest.score(X_test, y_test) - 0.15
    assert calibrated.score(X_test, y_test) == pytest.approx(forest.score(X_test, y_test), abs=0.01)


def test_rotation_does_not_change_a_discriminant(digits):
    X, y, X_test, _ = digits
    rotated, alone = (
        clone(part).fit(X, y).predict_proba(X_test)
        for discriminant in [HEADS["lda"].classifier()[0].classifier]
        for part in (discriminant, discriminant[-1])
    )
    assert np.allclose(rotated, alone, atol=1e-3)


def mean_confidence(model, X):
    return model.predict_proba(X).max(axis=1).mean()


def test_given_selectors_are_kept(shop):
    flows = [("color", ColorHistogram(bins=(4, 2, 2)), ForestSelector(4)), ("pixels", RawPixels((4, 3)))]
    model = make_model(flows, "kernel-ridge", random_state=0).fit(shop, shop.labels)
    assert model.head_.n_features_in_ == 4 + 36
    assert isinstance(model.head_, KernelRidgeClassifier)
    assert model.flows[0] == flows[0]


def test_own_heads_get_unselected_features(shop):
    class Widths(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_, self.width_ = np.unique(y), X.shape[1]
            return self

        def predict(self, X):
            return np.repeat(self.classes_[:1], len(X))

    model = make_model(FLOWS, Widths()).fit(shop, shop.labels)
    assert model.head_.width_ == 16 + 40


def test_parts_of_a_named_head_are_parameters():
    model = make_model(FLOWS, "kernel-ridge").set_params(head__class_weight="balanced", stage3__layer="stage2")
    assert isinstance(model.head, KernelRidgeClassifier) and model.head.class_weight == "balanced"
    assert make_model(head="forest").get_params()["head__n_estimators"] == 200
    weighted = {"head__outoffoldprobabilities__classifier__class_weight": "balanced"}
    for head in ("logistic", "kernel-svm"):
        found = make_model(FLOWS, head).set_params(**weighted).head
        assert found[0].classifier.class_weight == "balanced"
    stack = make_model(FLOWS, "stack").set_params(color_selector__cv=3)
    assert isinstance(stack.head, LogOpinionPool) and stack.flows[0][2].cv == 3


def test_groups_reach_the_head(shop):
    groups = np.arange(len(shop)) // 2
    alone = make_model(FLOWS, "kernel-ridge").fit(shop, shop.labels)
    given = make_model(FLOWS, "kernel-ridge").fit(shop, shop.labels, groups=groups)
    grouped = make_model(FLOWS, "kernel-ridge").fit(shop.grouped(groups), shop.labels)
    left_out = [model.head_.leave_out_probabilities_ for model in (alone, given, grouped)]
    assert (left_out[1] == left_out[2]).all() and not np.allclose(left_out[0], left_out[1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        alone.fit(shop, shop.labels, groups=groups[1:])


def test_unknown_head():
    with pytest.raises(ValueError, match="no head 'kernel'; did you mean 'kernel-svm' or 'kernel-ridge'"):
        get_head("kernel")
