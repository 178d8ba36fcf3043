"""Check models of several targets: each target must be decided as by a model of its own, on the same features."""

import numpy as np
import pytest

from twoflow import ImageCollection, TwoFlowClassifier, compare, make_model
from twoflow.heads import MultiTargetClassifier
from twoflow.models import ChoosingClassifier, for_targets, take_apart
from twoflow.models.fitted_parts import fitted_parts


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def both(shop):
    number = [label[-1] for label in shop.labels.tolist()]
    kind = [label.split("/")[0] for label in shop.labels.tolist()]
    return ImageCollection(
        shop.images, np.column_stack([kind, number]), np.arange(len(shop)) // 2, target_names=("kind", "number")
    )


@pytest.mark.parametrize("options", [{"recipe": "fast"}, {"recipe": "fast", "head": "logistic"}])
def test_each_target_equals_a_model_of_its_own(both, store, options):
    model = TwoFlowClassifier(**options, random_state=0, store=store).fit(both)
    predicted, probabilities = model.predict(both), model.predict_proba(both)
    assert predicted.shape == both.labels.shape
    for position, name in enumerate(both.target_names):
        alone = make_model(**options, random_state=0, store=store).fit(both.images, both.target(name), both.groups)
        assert (alone.classes_ == model.classes_[position]).all()
        assert (alone.predict(both) == predicted[:, position]).all()
        assert (alone.predict_proba(both) == probabilities[position]).all()
    is_right = (predicted == both.labels).all(axis=1)
    assert model.score(both, both.labels) == is_right.mean()


def test_each_target_chooses_its_own_candidate(both, store):
    model = TwoFlowClassifier("best", random_state=0, store=store).fit(both)
    flow, head = fitted_parts(model)
    assert isinstance(head, MultiTargetClassifier)
    assert all(isinstance(each, ChoosingClassifier) and each.chosen_ for each in head.estimators_)
    assert (head.predict(flow.transform(both)) == model.predict(both)).all()


def test_the_papers_model_selects_for_each_target(both, store):
    model = TwoFlowClassifier("paper", random_state=0, store=store).fit(both)
    first, second = (each.selectors_["cnn"].get_support() for each in model.model_.estimators_)
    assert (first != second).any()


def test_features_are_computed_once(both):
    model = TwoFlowClassifier("fast", random_state=0)
    once, several = take_apart(model), take_apart(for_targets(model, ["kind", "number"]))
    assert [name for name, _ in several.flows] == [name for name, _ in once.flows]
    assert for_targets(model, ["kind"]).get_params().keys() == model.make().get_params().keys()


def test_a_comparison_fits_the_same_model(both, store):
    given = TwoFlowClassifier("fast", random_state=0)
    found = compare({"given": given, "fast": "fast"}, both, folds=2, store=store)
    fold = found.folds.splits[0]
    model = TwoFlowClassifier("fast", random_state=0, store=store).fit(both[fold.train])
    for name in ("given", "fast"):
        assert (found[name].predicted[0] == model.predict(both[fold.test])).all()


def test_an_error_names_the_target(both):
    constant = ImageCollection(
        both.images, np.column_stack([both.target("kind"), ["new"] * len(both)]), target_names=("kind", "state")
    )
    with pytest.raises(ValueError, match="at least two classes; all 32 labels of 'state' are new"):
        TwoFlowClassifier("fast").fit(constant)
