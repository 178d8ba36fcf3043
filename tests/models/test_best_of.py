"""Check the choice among models: on training images, with features computed once; only the best is kept."""

import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from twoflow import ColorHistogram, FlowUnion, PixelProjection, RawPixels, compare, make_model
from twoflow.heads import KernelRidgeClassifier
from twoflow.models import BestOf, take_apart
from twoflow.report.document import summarize
from twoflow.report.text import format_text

GRAY, PIXELS = ("gray", RawPixels((1, 1))), ("pixels", RawPixels((6, 4)))


def choice(*heads, **parameters):
    """Make a choice among three models. The second has more features. By default all are judged in closed form."""
    little, more, last = heads or ("kernel-ridge",) * 3
    models = [
        ("little", make_model([GRAY], little)), ("more", make_model([PIXELS, GRAY], more)),
        ("last", make_model([GRAY], last)),
    ]
    return clone(BestOf(models, **{"random_state": 0, **parameters}))


def test_only_the_best_model_is_kept(shop):
    model = choice().fit(shop)
    assert model.chosen_ == "more" and [*model.candidates_] == ["little", "more", "last"]
    assert max(model.candidates_, key=model.candidates_.get) == "more"
    assert [*model.union_.slices()] == ["gray", "pixels"] and model.union_.transform(shop).shape == (len(shop), 75)
    alone = make_model([PIXELS, GRAY], "kernel-ridge").fit(shop)
    assert np.allclose(alone.predict_proba(shop), model.predict_proba(shop), atol=1e-6)
    assert (pickle.loads(pickle.dumps(model)).predict_proba(shop) == model.predict_proba(shop)).all()


def test_all_are_cross_validated_if_one_head_must_be(shop):
    """Held-out accuracy is higher if one image is left out than a quarter of them, so the two are not comparable."""
    models = {head: make_model([PIXELS], head) for head in ("kernel-ridge", "logistic")}
    both = BestOf([*models.items()], random_state=0).fit(shop)
    assert both.candidates_["kernel-ridge"] != BestOf([*models.items()][:1]).fit(shop).candidates_["kernel-ridge"]


def test_flows_of_other_models_are_not_kept(shop):
    models = [("good", make_model([PIXELS], "kernel-ridge")), ("bad", make_model([GRAY], "kernel-ridge"))]
    model = BestOf(models).fit(shop)
    assert model.chosen_ == "good" and [*model.union_.slices()] == ["pixels"]


def test_flows_of_weight_zero_are_not_kept(shop, monkeypatch):
    monkeypatch.setattr(KernelRidgeClassifier, "weigh_kernels", lambda *_: np.array([0.0, 2.0]))
    model = BestOf([("both", make_model([GRAY, PIXELS], "kernel-ridge"))], weights="leave-out").fit(shop)
    assert model.weights_ == {"gray": 0, "pixels": 2} and [*model.union_.slices()] == ["pixels"]
    alone = make_model([PIXELS], "kernel-ridge").fit(shop)
    assert np.allclose(model.predict_proba(shop), alone.predict_proba(shop), atol=1e-5)


def test_weights_do_not_depend_on_the_order_of_flows(shop):
    flows = [GRAY, PIXELS, ("color", ColorHistogram())]

    def fit(flows):
        return BestOf([("all", make_model(flows, "kernel-ridge"))], weights="leave-out").fit(shop)

    first, second, again = fit(flows), fit(flows[::-1]), fit(flows)
    assert len(set(first.weights_.values())) > 1 and again.weights_ == first.weights_
    assert [second.weights_[name] for name in first.weights_] == pytest.approx([*first.weights_.values()], abs=0.02)
    assert (again.predict_proba(shop) == first.predict_proba(shop)).all()


def test_the_same_flow_in_two_models_is_computed_once():
    random = [("random", PixelProjection(8))]
    parts = take_apart(BestOf([(name, make_model(random, name)) for name in ("lda", "kernel-ridge")]))
    assert [name for name, _ in parts.flows] == ["random"]
    other = [("random", PixelProjection(9))]
    parts = take_apart(BestOf([("one", make_model(random)), ("two", make_model(other))]))
    assert [name for name, _ in parts.flows] == ["random", "two.random"]


def test_models_may_be_pipelines_and_have_unions(shop):
    union = FlowUnion([GRAY, PIXELS])
    models = [("pipeline", make_pipeline(union, RidgeClassifier())), ("gray", make_model([GRAY], RidgeClassifier()))]
    model = BestOf(models, cv=2, random_state=0).fit(shop)
    assert model.chosen_ == "pipeline" and not hasattr(model, "predict_proba")
    assert model.decision_function(shop).shape == (len(shop), 4)
    expected = make_pipeline(union, RidgeClassifier()).fit(shop.images, shop.labels).predict(shop.images)
    assert (model.predict(shop) == expected).all()


def test_parameters_reach_into_the_models():
    model = choice().set_params(more__pixels__size=(3, 3), little=make_model([PIXELS]))
    assert model.models[1][1].flows[0][1].size == (3, 3) and model.get_params()["little__pixels__size"] == (6, 4)
    assert clone(model).get_params()["more__pixels__size"] == (3, 3)
    with pytest.raises(ValueError, match="Invalid parameter 'pixels'"):
        model.set_params(pixels__size=(2, 2))


def test_predict_proba_exists_if_the_models_have_it():
    assert hasattr(choice(), "predict_proba")
    assert not hasattr(BestOf([("svm", make_model([GRAY], LinearSVC()))]), "predict_proba")


@pytest.mark.parametrize(
    "models, message",
    [
        ([], "at least one model, got none"),
        ([("forest", LogisticRegression())], "expected models made of flows, got LogisticRegression as 'forest'"),
        (3, "'models' parameter"),
    ],
)
def test_bad_parameters(shop, models, message):
    with pytest.raises(ValueError, match=message):
        BestOf(models).fit(shop)


def test_a_comparison_reports_the_choices(shop):
    methods = {"best": choice(), "little": make_model([GRAY], "kernel-ridge")}
    found = compare(methods, shop, folds=3, random_state=0)
    best, little = found.methods
    assert len(best.choices) == 3 and little.choices is None
    for each in best.choices:
        assert [*each.accuracy] == ["little", "more", "last"]
        assert each.chosen == max(each.accuracy, key=each.accuracy.get)
    decided_on = {"little": 3, "more": 75, "last": 3}
    mean = np.mean([decided_on[each.chosen] for each in best.choices])
    assert [method.n_features for method in found.methods] == [round(mean), 3]
    text = format_text(found)
    times = [each.chosen for each in best.choices].count("more")
    assert re.search(rf"Candidates of best.*\n.*\n.*chosen, of 3\n-+\n.*\nmore +0\.\d{{3}}  {times}\n", text)
    first, second = summarize(found)["methods"]
    assert [each["chosen"] for each in first["choices"]] == [each.chosen for each in best.choices]
    assert "choices" not in second


def test_a_comparison_reports_no_choice_among_one(shop):
    model = BestOf([("all", make_model([GRAY, PIXELS], "kernel-ridge"))], weights="leave-out")
    assert compare({"weighed": model}, shop, folds=2, random_state=0).methods[0].choices is None
