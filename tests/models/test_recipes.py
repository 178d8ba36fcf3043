import re

import numpy as np
import pytest
from sklearn.base import clone

from twoflow import RawPixels, TwoFlowClassifier, compare
from twoflow.heads import KernelRidgeClassifier
from twoflow.models import two_flow
from twoflow.models.recipes import RECIPES, Recipe, candidates
from twoflow.networks import catalog
from twoflow.report.document import summarize
from twoflow.report.text import format_text

from ..lanes import unavailable


def test_the_papers(shop):
    (flows, head), = candidates("paper", "efficientnet-lite0").values()
    assert [name for name, _ in flows] == ["projection", "cnn"] and head == "forest"
    assert TwoFlowClassifier().recipe == "paper"


def test_fast_is_one_pass_over_one_network(shop):
    (flows, head), = candidates("fast", "efficientnet-lite0").values()
    assert [flow.layer for _, flow in flows] == ["stage4", "stage5", "stage6"] and head == "kernel-ridge"
    assert {flow.pooling for _, flow in flows} == {"covariance"} and {flow.views for _, flow in flows} == {"whole"}
    assert len({flow._shared_pass() for _, flow in flows}) == 1
    model = TwoFlowClassifier(recipe="fast", random_state=0).fit(shop, shop.labels)
    assert model.score(shop, shop.labels) == 1 and isinstance(model.model_["head"], KernelRidgeClassifier)
    assert (model.chosen_, model.candidates_) == ("fast", {})


def test_best_has_more_networks_where_they_are_installed(monkeypatch):
    monkeypatch.setattr("twoflow.models.recipes.find_weights", lambda name: None)
    assert [*candidates("best", "efficientnet-lite0")] == ["one network", "one network and color"]
    monkeypatch.setattr("twoflow.models.recipes.find_weights", lambda name: name)
    found = candidates("best", "efficientnet-lite0")
    assert [*found][2:] == ["two networks", "two networks and color", "three networks", "three networks and color"]
    assert networks_of(found["two networks"]) == ["efficientnet-lite0", "efficientnet-lite2"]
    assert networks_of(found["three networks"]) == ["efficientnet-lite0", "efficientnet-lite2", "efficientnet-lite1"]
    other = candidates("best", "inception-21k")
    assert networks_of(other["three networks"]) == ["inception-21k", "efficientnet-lite2", "efficientnet-lite1"]
    for recipe in [*found.values(), *other.values()]:
        names = [name for name, *_ in recipe.flows]
        assert len(set(names)) == len(names)


def networks_of(recipe):
    return [*dict.fromkeys(flow.network for _, flow in recipe.flows)]


def test_a_network_that_cannot_be_resized_keeps_its_size():
    for _, flow in candidates("fast", "inception-21k")["fast"].flows:
        assert flow.preprocessing is None and flow.network == "inception-21k"
    with pytest.raises(ValueError, match="card names 5 stages, and that of inception-bn names 3"):
        candidates("fast", "inception-bn")


@pytest.fixture
def small(monkeypatch):
    """A recipe that leaves a choice, and takes little time."""

    def best(network):
        noise = ("gray", RawPixels((1, 1)))
        good = [("pixels", RawPixels((6, 4))), noise]
        return {"little": Recipe([noise], "kernel-ridge"), "more": Recipe(good, "kernel-ridge"),
                "logistic": Recipe([noise], "logistic")}

    monkeypatch.setitem(RECIPES, "best", best)
    return TwoFlowClassifier(recipe="best", random_state=0)


def test_the_choice_is_kept_and_the_rest_forgotten(shop, small):
    small.fit(shop, shop.labels)
    assert small.chosen_ == "more" and [*small.candidates_] == ["little", "more", "logistic"]
    assert max(small.candidates_, key=small.candidates_.get) == "more"
    assert [name for name, _ in small.union_.flows_] == ["pixels", "gray"]
    assert small.union_.transform(shop).shape == (len(shop), 75)
    alone = TwoFlowClassifier([("pixels", RawPixels((6, 4))), ("gray", RawPixels((1, 1)))], "kernel-ridge")
    assert np.allclose(alone.fit(shop, shop.labels).predict_proba(shop), small.predict_proba(shop), atol=1e-6)


def test_a_choice_has_no_parts(small):
    assert set(small.get_params()) == set(two_flow._OWN)
    assert clone(small).recipe == "best" and "recipe='best'" in repr(small)
    with pytest.raises(ValueError, match="Invalid parameter 'pixels'"):
        small.set_params(pixels__size=(2, 2))


def test_what_is_given_takes_the_place_of_the_recipes_own(shop, small):
    flows = [("pixels", RawPixels((6, 4)))]
    assert small.set_params(flows=flows).fit(shop, shop.labels).chosen_ == "best"
    assert small.candidates_ == {} and [*small.union_.slices()] == ["pixels"]
    assert isinstance(small.model_["head"], KernelRidgeClassifier)  # the recipe's own
    small.set_params(flows=None, head="logistic").fit(shop, shop.labels)
    assert set(small.candidates_) == {"little", "more", "logistic"}  # all of them with the head that was given


def test_a_comparison_says_what_was_chosen(shop, small):
    rows = {"best": small, "little": TwoFlowClassifier([("gray", RawPixels((1, 1)))], "kernel-ridge")}
    found = compare(rows, shop, folds=3, random_state=0)
    assert len(found.methods[0].choices) == 3 and found.methods[1].choices is None
    for choice in found.methods[0].choices:
        assert [*choice.accuracy] == ["little", "more", "logistic"]
        assert choice.chosen == max(choice.accuracy, key=choice.accuracy.get)
    decided_on = {"little": 3, "more": 75, "logistic": 3}
    mean = np.mean([decided_on[choice.chosen] for choice in found.methods[0].choices])
    assert [row.n_features for row in found.methods] == [round(mean), 3]
    text = format_text(found)
    times = [choice.chosen for choice in found.methods[0].choices].count("more")
    assert re.search(rf"Candidates of best.*\n.*chosen, of 3\n-+\n.*\nmore +0\.\d{{3}}  {times}\n", text)
    best = summarize(found)["methods"][0]["choices"]
    assert [each["chosen"] for each in best] == [choice.chosen for choice in found.methods[0].choices]
    assert "choices" not in summarize(found)["methods"][1]


def test_best_with_real_networks(shop):
    if None in map(catalog.find_weights, ("efficientnet-lite1", "efficientnet-lite2")):
        unavailable("needs the weights of a second and a third network, the extra networks")
    model = TwoFlowClassifier(recipe="best", random_state=0).fit(shop, shop.labels)
    assert len(model.candidates_) == 6 and model.score(shop, shop.labels) == 1
