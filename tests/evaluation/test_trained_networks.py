"""Names of methods that train a network. Nothing is trained here, so torch is not needed."""

from pathlib import Path

import pytest

from twoflow import HierarchicalClassifier, MultiTargetClassifier, make_model
from twoflow.deep import ConvNetClassifier, FineTunedClassifier
from twoflow.evaluation import EXTRA_METHODS, fine_tunes, make_methods
from twoflow.models import take_apart

QUICK = {"input_size": (32, 32), "max_epochs": 1}


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """Names are made as if the packages, and the weights of every EfficientNet-Lite, were there."""
    monkeypatch.setattr("twoflow.deep.extra._is_installed", lambda name: True)
    monkeypatch.setattr("twoflow.deep.backbones.describing.find_weights", Path)


def make(name, **settings):
    return make_methods([name], **settings)[name]


def test_the_backbone_is_in_the_name():
    assert make("fine-tuned").backbone == "efficientnet-lite0"
    assert make("fine-tuned:efficientnet-lite1").backbone == "efficientnet-lite1"
    assert not any(map(fine_tunes, ("convnet", "best", "cnn:levels")))
    assert all(map(fine_tunes, [*EXTRA_METHODS[1:], "fine-tuned:resnet-18+best", "fine-tuned+fast:levels:confidence"]))


def test_settings_reach_the_classifier():
    found = make("fine-tuned", random_state=3, class_weight={"boots": 2.0}, fine_tuning=QUICK)
    expected = FineTunedClassifier(random_state=3, class_weight={"boots": 2.0}, **QUICK)
    assert found.get_params() == expected.get_params()
    assert make("fine-tuned").class_weight is None  # as in all methods, images count the same by default
    assert isinstance(make("convnet"), ConvNetClassifier)


def test_strategies():
    levels, shared = make("fine-tuned:levels:confidence"), make("fine-tuned:efficientnet-lite1:shared")
    assert isinstance(levels, HierarchicalClassifier) and levels.fallback == "confidence"
    assert isinstance(levels.estimator, FineTunedClassifier)
    assert isinstance(shared, MultiTargetClassifier) and shared.estimator.backbone == "efficientnet-lite1"


@pytest.mark.parametrize("recipe", ["fast", "best"])
def test_beside_a_recipe_the_network_is_one_more_flow(recipe):
    model = make(f"fine-tuned:efficientnet-lite1+{recipe}", random_state=3, fine_tuning=QUICK)
    flows = dict(take_apart(model).flows)
    assert [*flows] == [*dict(take_apart(make_model(recipe, random_state=3)).flows), "fine_tuned"]
    own = flows["fine_tuned"]
    assert (own.layers, own.pooling) == (["stage4", "stage5", "stage6"], "covariance")
    assert own.views == flows["stage4"].views and own.preprocessing == {"input_size": (320, 320)}
    tuned = own.classifier
    assert (tuned.backbone, tuned.max_epochs, tuned.random_state) == ("efficientnet-lite1", 1, 3)
    assert model.weights == "leave-out"


@pytest.mark.parametrize("name, settings, message", [
    ("fine-tuned:efficientnet-lite9", {}, "there is no backbone 'efficientnet-lite9'; did you mean .*efficientnet-l"),
    ("fine-tuned+paper", {}, r"there is no method 'fine-tuned\+paper'; did you mean .*fine-tuned\+fast"),
    ("fine-tuned", {"fine_tuning": {"epochs": 3}}, "expected parameters of FineTunedClassifier, got 'epochs'; did you "
                                                   "mean max_epochs"),
    ("fine-tuned", {"fine_tuning": {"backbone": "resnet-18"}}, "expected no backbone, got one; give it by the name"),
    ("fine-tuned", {"fine_tuning": {"max_epochs": 0}}, "'max_epochs' parameter"),
    ("fine-tuned+best", {"max_per_class": 3}, r"max_per_class: expected methods .*, got fine-tuned\+best, which"),
    ("convnet", {"max_per_class": 3}, "max_per_class: expected methods .*, got convnet, which trains"),
    ("convnet", {"class_weight": "balanced"}, "class_weight: expected methods that take it, got convnet; leave"),
    ("cnn", {"fine_tuning": QUICK}, "fine_tuning: expected a method that fine-tunes .*, got cnn; add one"),
])
def test_errors_come_before_any_image_is_read(name, settings, message):
    with pytest.raises(ValueError, match=message):
        make(name, **settings)
