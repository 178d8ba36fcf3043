"""Check `FlowClassifier`: scikit-learn's checks, fitting, parameters by name, importances, the diagram."""

import inspect
import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from twoflow import (
    CNNEmbedding,
    ColorHistogram,
    FlowClassifier,
    ForestSelector,
    PixelProjection,
    RawPixels,
    make_model,
    make_shop,
)
from twoflow.heads import KernelRidgeClassifier

from ..classifier_checks import CLASSIFIER_CHECKS
from ..sklearn_checks import REPLACED_FOR_CLASSIFIERS, sklearn_checks

SMALL = [("pixels", RawPixels((8, 6)), ForestSelector(20)), ("stage1", CNNEmbedding(layer="stage1"), "passthrough")]


def small(**parameters):
    return FlowClassifier(**{"flows": SMALL, "head": RandomForestClassifier(30), "random_state": 0, **parameters})


def test_scikit_learns_checks():
    names = set()
    for estimator, check in sklearn_checks(small(), REPLACED_FOR_CLASSIFIERS, CLASSIFIER_CHECKS):
        check(estimator)
        names.add(check.func.__name__)
    assert {"check_get_params_invariance", "check_classifiers_one_label"} <= names


@pytest.mark.parametrize("check", CLASSIFIER_CHECKS, ids=lambda check: check.__name__)
def test_checks_of_image_classifiers(check, shop, tmp_path):
    extra = [tmp_path] if "folder" in inspect.signature(check).parameters else []
    check(small(flows=[SMALL[0], ("color", ColorHistogram(), "passthrough")]), shop, *extra)  # without a network, cheap


def test_the_papers_model(shop):
    model = make_model("paper", random_state=0).fit(shop)
    projection, cnn = (flow for _, flow in model.union_.flows_)
    assert isinstance(projection, PixelProjection) and isinstance(cnn, CNNEmbedding)
    assert (projection.n_components, tuple(projection.size), cnn.layer_name) == (128, (640, 480), "global_pool")
    assert [selector.max_features for selector in model.model_.selectors_.values()] == [55, 400]
    assert isinstance(model.head_, RandomForestClassifier) and model.head_.n_estimators == 200
    assert model.head_.n_features_in_ <= 455


def test_predictions_equal_a_pipeline_of_the_parts(shop):
    """This is the example of the guide, with the seeds that the classifier draws."""
    model = make_model("paper", random_state=0).fit(shop.images, shop.labels)
    seed = {name: value for name, value in model.union_.get_params().items() if name.endswith("random_state")}
    left, right = model.model_.selectors_.values()
    same = make_pipeline(
        make_union(
            make_pipeline(PixelProjection(128, random_state=seed["projection__random_state"]), clone(left)),
            make_pipeline(CNNEmbedding(), clone(right)),
        ),
        clone(model.head_),
    ).fit(shop.images, shop.labels)
    assert (model.predict_proba(shop.images) == same.predict_proba(shop.images)).all()


def test_labels_and_groups_of_a_collection(shop):
    groups = np.arange(len(shop)) // 2
    model = small(head=KernelRidgeClassifier())
    expected = clone(model).fit(shop.images, shop.labels, groups).head_.leave_out_probabilities_
    found = clone(model).fit(shop.grouped(groups)).head_.leave_out_probabilities_
    without = clone(model).fit(shop).head_.leave_out_probabilities_
    assert (found == expected).all() and not np.allclose(found, without)
    other = small().fit(shop, np.roll(shop.labels, 1))  # given labels replace those of the collection
    assert (other.predict(shop) == np.roll(shop.labels, 1)).all()
    with pytest.raises(ValueError, match="requires y to be passed"):
        small().fit(shop.images)


def test_learns_and_predicts(shop):
    train, test = np.arange(len(shop)) % 4 > 0, np.arange(len(shop)) % 4 == 0
    model = small().fit(shop[train], shop.labels[train])
    assert model.score(shop[train], shop.labels[train]) == 1
    assert model.score(shop[test], shop.labels[test]) > 0.25
    probability = model.predict_proba(shop[test])
    assert probability.shape == (test.sum(), 4) and np.allclose(probability.sum(axis=1), 1)
    assert (model.classes_[probability.argmax(axis=1)] == model.predict(shop[test])).all()


def test_cross_val_score_and_grid_search(shop, tmp_path):
    files = make_shop(n_classes=4, n_per_class=8, folder=tmp_path / "shop", random_state=0)
    scores = cross_val_score(make_model(random_state=0), files.paths, files.labels, cv=2)
    assert scores.mean() > 0.5
    grid = {
        "pixels__size": [(4, 3), (8, 6)],
        "pixels_selector__max_features": [5, 10],
        "head": [LogisticRegression(C=1e-3), RandomForestClassifier(10)],
    }
    search = GridSearchCV(small(store=tmp_path / "store"), grid, cv=2).fit(files.paths, files.labels)
    assert len(search.cv_results_["params"]) == 8 and np.isfinite(search.best_score_)
    assert search.best_estimator_.get_params()["pixels__size"] == search.best_params_["pixels__size"]


def test_every_part_is_a_parameter(shop):
    model = make_model("paper")
    assert model.get_params()["projection__n_components"] == 128
    model.set_params(cnn__layer="stage2", projection__n_components=9, head__n_estimators=7)
    assert model.fit(shop).union_.slices() == {"projection": slice(0, 9), "cnn": slice(9, 33)}
    assert model.head_.n_estimators == 7
    model.set_params(projection=RawPixels((2, 2)), projection_selector="passthrough", projection__size=(3, 2))
    assert model.flows[0][1].size == (3, 2) and model.flows[0][2] == "passthrough"
    assert clone(model).get_params()["projection__size"] == (3, 2)


def test_flows_and_their_parameters_can_be_set_together():
    model = small().set_params(flows=[("a", RawPixels(), "passthrough")], a__size=(4, 3))
    assert [name for name, _, _ in model.flows] == ["a"] and model.flows[0][1].size == (4, 3)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"left__n_components": 3}, "Invalid parameter 'left'"),
        ({"stage1_selector__max_features": 3}, "expected stage1_selector to be an estimator, got 'passthrough'; set"),
        ({"stage1__layers": "stage2"}, "Invalid parameter 'layers'"),
        ({"head": None, "head__C": 3}, "head__C: expected head to be an estimator, got None"),
    ],
)
def test_wrong_names_of_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        small().set_params(**parameters)


def test_the_diagram_shows_flows_side_by_side_and_names_the_parts():
    html = small()._repr_html_()
    text = " ".join(re.sub("<[^>]*>", " ", html).split())
    assert html.count("sk-parallel-item") >= 2  # the flows
    for part in ("pixels", "RawPixels", "ForestSelector", "stage1", "CNNEmbedding", "RandomForestClassifier"):
        assert part in text


def test_the_same_seed_gives_the_same_model(shop):
    expected = small().fit(shop, shop.labels).predict_proba(shop)
    assert (small(n_jobs=2).fit(shop, shop.labels).predict_proba(shop) == expected).all()
    assert (small(random_state=1).fit(shop, shop.labels).predict_proba(shop) != expected).any()
    assert (pickle.loads(pickle.dumps(small().fit(shop, shop.labels))).predict_proba(shop) == expected).all()


def test_predict_proba_exists_if_the_head_has_it(shop):
    model = small(random_state=0).set_params(head=LinearSVC(C=1e-4))
    assert not hasattr(model, "predict_proba") and not hasattr(small(), "decision_function")
    assert model.fit(shop).decision_function(shop).shape == (len(shop), 4)


@pytest.mark.parametrize("head", [RandomForestClassifier(20), RidgeClassifier(), LogisticRegression(C=1e-3)])
def test_importances_of_flows(shop, head):
    model = small(head=head).fit(shop)
    assert list(model.flow_importances_) == ["pixels", "stage1"]
    assert sum(model.flow_importances_.values()) == pytest.approx(1)
    alone = FlowClassifier(SMALL[:1], head, random_state=0).fit(shop)
    assert alone.flow_importances_ == {"pixels": pytest.approx(1)}


def test_importances_of_the_recipes(shop):
    assert list(make_model("fast").fit(shop).flow_importances_) == ["stage4", "stage5", "stage6"]
    with pytest.raises(AttributeError, match="expected a head with feature_importances_ or coef_, got KNei"):
        small(head=KNeighborsClassifier()).fit(shop).flow_importances_


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"flows": 3}, "'flows' parameter"),
        ({"flows": []}, "at least one flow, got none"),
        ({"flows": [("cnn",)]}, "list of .name, flow, selector., got .*use make_model"),
        ({"flows": [("cnn", CNNEmbedding())]}, "list of .name, flow, selector., got .*use make_model"),
        ({"flows": [("a", RawPixels(), "passthrough"), ("a", RawPixels(), "passthrough")]}, "unique names .*, got 'a'"),
        ({"flows": [("head", RawPixels(), "passthrough")]}, "unique names that are no parameters, got 'head'; rename"),
        ({"flows": [("a", RawPixels(), "passthrough"), ("a_selector", RawPixels(), "passthrough")]}, "got 'a_sel"),
        ({"flows": [("a", CNNEmbedding(layer="none"), "passthrough")]}, "no layer 'none'"),
        ({"head": 3}, "'head' parameter"),
        ({"head": "lda"}, "'head' parameter"),
        ({"n_jobs": "all"}, "'n_jobs' parameter"),
    ],
)
def test_bad_parameters(shop, parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(shop)
