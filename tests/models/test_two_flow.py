"""Check `TwoFlowClassifier`: it must equal the model of `make_model`, and have only its own parameters."""

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from twoflow import CNNEmbedding, FlowClassifier, TwoFlowClassifier, make_model
from twoflow.models import BestOf, take_apart

from ..classifier_checks import CLASSIFIER_CHECKS
from ..sklearn_checks import REPLACED_FOR_CLASSIFIERS, sklearn_checks


def check_a_weighted_class_is_likelier(model, shop):
    """On its own images, because the probabilities of all are calibrated."""
    label = shop.classes[0]
    own = shop.labels == label
    plain, weighted = (
        clone(model).set_params(class_weight=weight).fit(shop).predict_proba(shop) for weight in (None, {label: 50.0})
    )
    assert (weighted[own, 0] > plain[own, 0]).all()


CHECKS = [*CLASSIFIER_CHECKS, check_a_weighted_class_is_likelier]
REPLACED = REPLACED_FOR_CLASSIFIERS | {"check_class_weight_classifiers": "check_a_weighted_class_is_likelier"}


def test_scikit_learns_checks():
    names = set()
    for estimator, check in sklearn_checks(TwoFlowClassifier(), REPLACED, CHECKS):
        check(estimator)
        names.add(check.func.__name__)
    assert {"check_get_params_invariance", "check_classifiers_one_label"} <= names


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_checks_of_image_classifiers(check, shop, store, tmp_path):
    extra = [tmp_path] if "folder" in inspect.signature(check).parameters else []
    check(TwoFlowClassifier("fast", random_state=0, store=store), shop[::2], *extra)  # half: "fast" is not cheap


@pytest.mark.parametrize(
    "parameters",
    [{"recipe": "fast"}, {"recipe": "fast", "head": "lda"}, {"head": LogisticRegression(C=1e-3, max_iter=1000)}],
)
def test_predictions_equal_the_model_of_the_recipe(shop, store, parameters):
    half, options = shop[::2], {"random_state": 0, "store": store}
    short = TwoFlowClassifier(**parameters, **options).fit(half)
    assert isinstance(short.model_, FlowClassifier)
    model = make_model(**parameters, **options).fit(half)
    assert (short.predict_proba(half) == model.predict_proba(half)).all()
    assert (short.classes_ == model.classes_).all()
    with_labels = TwoFlowClassifier(**parameters, **options).fit(half.images, half.labels)
    assert (with_labels.predict(half) == short.predict(half)).all()


def test_groups_reach_the_head(shop):
    groups = np.arange(len(shop)) // 2
    found = TwoFlowClassifier("fast").fit(shop, groups=groups).model_.head_.leave_out_probabilities_
    assert (found == make_model("fast").fit(shop.grouped(groups)).head_.leave_out_probabilities_).all()


def test_parameters_of_the_recipe_and_a_given_head():
    model = TwoFlowClassifier("best")
    assert set(model.get_params()) == {
        "recipe", "head", "network", "class_weight", "max_per_class", "strategy", "random_state", "n_jobs", "verbose",
        "store",
    }
    assert clone(model).recipe == "best" and isinstance(model.make(), BestOf)
    assert isinstance(model.set_params(recipe="fast").make(), FlowClassifier)
    with_head = TwoFlowClassifier(head=LogisticRegression()).set_params(head__C=3)
    assert with_head.make().head.C == 3


@pytest.mark.parametrize("recipe", ["paper", "best"])
@pytest.mark.parametrize("name", ["head__n_estimators", "cnn__layer", "cnn", "left__n", "recipe__x"])
def test_parameters_of_parts_are_refused(recipe, name):
    message = f"Invalid parameter '{name}'.*expected one of class_weight, head, .*make_model.'{recipe}'"
    with pytest.raises(ValueError, match=message):
        TwoFlowClassifier(recipe).set_params(**{name: 3})


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"recipe": "quick"}, "'recipe' parameter"),
        ({"recipe": [("cnn", CNNEmbedding())]}, "'recipe' parameter"),
        ({"head": "nearest"}, "no head 'nearest'; did you mean"),
        ({"head": 3}, "'head' parameter"),
        ({"network": "efficientnet"}, "no network 'efficientnet'; did you mean"),
        ({"n_jobs": "all"}, "'n_jobs' parameter"),
    ],
)
def test_bad_parameters(shop, parameters, message):
    model = TwoFlowClassifier(**parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(shop)
    with pytest.raises(ValueError, match=message):
        take_apart(model)
    assert "TwoFlowClassifier" in repr(model) and "TwoFlowClassifier" in model._repr_html_()


def test_the_diagram_shows_the_model():
    for recipe, part in (("paper", "PixelProjection"), ("fast", "stage5"), ("best", "weighed")):
        assert part in TwoFlowClassifier(recipe)._repr_html_()


def test_predict_proba_exists_if_the_head_has_it(shop):
    model = TwoFlowClassifier("fast", head=LinearSVC(C=1e-4))
    assert not hasattr(model, "predict_proba") and not hasattr(TwoFlowClassifier(), "decision_function")
    assert model.fit(shop).decision_function(shop).shape == (len(shop), 4)
