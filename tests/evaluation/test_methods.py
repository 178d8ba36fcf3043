from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from twoflow import (
    CNNEmbedding,
    ColorHistogram,
    ImageCollection,
    MultiTargetClassifier,
    SIFTBagOfWords,
    TwoFlowClassifier,
    compare,
    make_model,
    make_shop,
)
from twoflow.evaluation import METHODS, NAME_FORMS, RECIPE_METHODS, make_methods
from twoflow.evaluation.methods import find_left_out
from twoflow.evaluation.pixel_size import _memory, choose_size
from twoflow.models import take_apart
from twoflow.networks import NETWORKS

from ..networks.onnx.nets import plain


def blank(n, size=(640, 480)):
    """Make n images of one width and height, which share their pixels."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    return ImageCollection([pixels] * n, np.arange(n) % 2)


@pytest.fixture
def much_memory(monkeypatch):
    monkeypatch.setattr("twoflow.evaluation.pixel_size._memory", lambda: 2**32)


def test_methods_are_those_of_the_paper(shop, much_memory):
    methods = make_methods([*METHODS, "cnn:stage5"], random_state=4, collection=blank(4_000))
    low_level = 128 + 256 + 320 + 30
    assert {name: sum(step.n_features for step in take_apart(model).steps) for name, model in methods.items()} == {
        "two-flow": 1408, "cnn": 1280, "projection": 128, "cnn:stage5": 112,
        "pixels:80x60": 14_400, "pixels:80x60+cnn": 15_680,
        "low-level": low_level, "low-level+cnn": low_level + 1280, "mid-level": low_level,
    }
    for name in ("two-flow", "projection"):
        assert dict(take_apart(methods[name]).flows)["projection"].random_state == 4


def test_recipes_are_methods_with_any_head():
    methods = make_methods([*RECIPE_METHODS, "paper:logistic", "fast:stack"], random_state=4)
    for name, model in methods.items():
        recipe, *head = name.split(":")
        expected = make_model(recipe, *head, random_state=4)
        if recipe == "paper":
            expected.set_params(projection__random_state=4)
        assert repr(model) == repr(expected)
    for name in ("paper", "paper:logistic"):
        assert methods[name].get_params()["projection__random_state"] == 4
    assert methods["paper:logistic"].get_params()["head__outoffoldprobabilities__classifier__max_iter"] == 1000
    paper, two_flow = (make_methods([name], random_state=4)[name].get_params() for name in ("paper", "two-flow"))
    assert str(paper) == str(two_flow)


@pytest.mark.parametrize("name, message", [
    ("fast:forrest", "no head 'forrest'; did you mean 'forest'"),
    ("fsat", "no method 'fsat'; did you mean fast"),
    ("fast:leves", "no method 'fast:leves'; did you mean fast:levels or fast:leaves"),
    ("fast:leaves:sure", "no method 'fast:leaves:sure'; did you mean fast:leaves or fast:leaves:confidence"),
    ("low-level:lda", "no method 'low-level:lda'"),
    ("fast:joimt", "no method 'fast:joimt'; did you mean fast:joint"),
    ("fast:joint:sure", "no method 'fast:joint:sure'; did you mean fast:joint"),
    ("fast:joint:confidence", "broader answers need levels; did you mean fast:joint or fast:leaves:confidence"),
])
def test_unknown_recipe_or_head(name, message):
    with pytest.raises(ValueError, match=message):
        make_methods([name])


def test_low_level_methods_learn_their_words_once_a_fold(shop, monkeypatch):
    fits = []
    fit = SIFTBagOfWords.learn
    monkeypatch.setattr(SIFTBagOfWords, "learn", lambda self, *args: fits.append(len(args[0])) or fit(self, *args))
    found = compare(["low-level", "low-level+cnn", "mid-level"], shop, folds=2, superclass_column="kind")
    assert fits == [16, 16]
    n_pairs = 2 + 1  # two kinds of two models each: a pair inside each kind, and the pair of kinds
    assert [method.n_features for method in found.methods][2] == n_pairs
    assert all(method.scores["accuracy"].mean() > 0.4 for method in found.methods[:2])


@pytest.mark.parametrize(
    "n_images, memory, size",
    [(1, 2**32, "640x480"), (600, 2**32, "160x120"), (4_000, 2**32, "80x60"), (4_000, 2**31, "40x30"),
     (4_000, 2**18, "4x3")],
)
def test_the_size_of_pixels_follows_from_memory(monkeypatch, n_images, memory, size):
    """An array of float32 pixels of all images must fit in a sixteenth of the memory."""
    monkeypatch.setattr("twoflow.evaluation.pixel_size._memory", lambda: memory)
    methods = make_methods(["pixels", "cnn", "pixels+cnn"], blank(n_images))
    assert [*methods] == [f"pixels:{size}", "cnn", f"pixels:{size}+cnn"]


@pytest.mark.parametrize("sizes, expected", [
    ([(640, 480)] * 10, (640, 480)), ([(639, 480)] * 10, (320, 240)), ([(640, 479)] * 10, (320, 240)),
    ([(480, 640)] * 10, (320, 240)), ([(5_000, 100)] * 10, (128, 96)), ([(2, 2)] * 10, (4, 3)),
    ([(640, 480)] * 9 + [(8, 6)], (640, 480)), ([(640, 480)] * 8 + [(8, 6)] * 2, (8, 6)),
    ([(640, 480)] * 500 + [(320, 240)] * 60, (320, 240)),
])
def test_pixels_are_no_larger_than_nine_of_ten_images(monkeypatch, sizes, expected):
    monkeypatch.setattr("twoflow.evaluation.pixel_size._memory", lambda: 2**60)
    images = {size: np.zeros((size[1], size[0], 3), np.uint8) for size in set(sizes)}
    assert choose_size(ImageCollection([images[size] for size in sizes], ["a"] * len(sizes))) == expected


def test_the_paper_stands_for_images_that_are_not_there(monkeypatch):
    monkeypatch.setattr("twoflow.evaluation.pixel_size._memory", lambda: 2**60)
    unreadable = ImageCollection([b"no image", "none.jpg"], ["a", "b"])
    assert choose_size(None) == choose_size(unreadable) == (640, 480)


def test_a_given_size_of_pixels_is_kept_and_a_note_says_what_it_enlarges(shop):
    methods = make_methods(["pixels:320x200", "pixels:320x200+cnn"], shop)
    assert [*methods] == ["pixels:320x200", "pixels:320x200+cnn"]
    assert all(method.get_params()["pixels__size"] == (320, 200) for method in methods.values())
    width, height = 160, 160
    small = np.zeros((height // 2, width, 3), np.uint8)
    images = ImageCollection([*shop.images, small], [*shop.labels, shop.labels[0]])
    found = compare({"large": f"pixels:{width}x{height - 70}", "fits": "pixels:8x6"}, images, folds=2)
    assert found.collection.notes == (
        f"large enlarges 1 of {len(images)} images to 160 x 90 pixels; pixels:160x80 is the largest size that enlarges "
        "none",
    )


@pytest.mark.parametrize("pages, limit, expected", [
    (2**40, "max\n", 2**32), (2**31, "max\n", 2**31), (2**40, f"{2**30}\n", 2**30), (2**40, None, 2**32),
    (None, None, 2**32),
])
def test_memory(monkeypatch, tmp_path, pages, limit, expected):
    """Take the memory of the machine or its container, whichever is less, and at most 4 GiB."""
    def sysconf(name):
        if pages is None:
            raise ValueError("unrecognized configuration name")
        return 1 if name == "SC_PAGE_SIZE" else pages

    monkeypatch.setattr("twoflow.evaluation.pixel_size.os.sysconf", sysconf)
    monkeypatch.setattr("twoflow.evaluation.pixel_size._CONTAINER_LIMIT", tmp_path / "memory.max")
    if limit is not None:
        (tmp_path / "memory.max").write_text(limit)
    assert _memory() == expected


def test_all(much_memory, monkeypatch):
    methods = make_methods("all", blank(4_000))
    named = [name.replace("pixels", "pixels:80x60") for name in METHODS]
    assert [*methods][:len(METHODS)] == named
    extra = [] if find_left_out() else ["convnet"]  # none that is fine-tuned
    stages = ["cnn:stem", *(f"cnn:stage{i}" for i in range(1, 8))]
    assert [*methods][len(METHODS):] == [*extra, *stages]
    assert [*make_methods(["fast", "all"], blank(4_000))] == ["fast", *methods]


def test_a_comparison_says_what_all_leaves_out(shop, monkeypatch):
    monkeypatch.setattr("twoflow.evaluation.methods.METHODS", ("projection",))  # instead of all, the quickest
    monkeypatch.setattr("twoflow.deep.extra._is_installed", lambda name: False)
    assert [*compare(["all"], shop, folds=2).left_out] == ["convnet"]
    assert compare(["projection"], shop, folds=2).left_out == {}


@pytest.mark.parametrize("name, network, layer, head", [
    ("cnn", "efficientnet-lite0", None, None),
    ("cnn:stage5", "efficientnet-lite0", "stage5", None),
    ("cnn:lda", "efficientnet-lite0", None, "lda"),
    ("cnn:stage5:kernel-ridge", "efficientnet-lite0", "stage5", "kernel-ridge"),
    ("efficientnet-lite1", "efficientnet-lite1", None, None),
    ("efficientnet-lite1:stage2", "efficientnet-lite1", "stage2", None),
    ("efficientnet-lite1:logistic", "efficientnet-lite1", None, "logistic"),
    ("efficientnet-lite1:stage2:forest", "efficientnet-lite1", "stage2", "forest"),
])
def test_networks_with_layers_and_heads(name, network, layer, head):
    flow = ("cnn", CNNEmbedding(network, layer))
    expected = make_model([(*flow, "passthrough")] if head is None else [flow], head, random_state=3)
    assert repr(make_methods(name, random_state=3)[name]) == repr(expected)


def test_cnn_is_the_network_that_is_chosen():
    for name in ("cnn", "cnn:stage2", "cnn:lda", "pixels:8x6+cnn"):
        found = make_methods(name, network="efficientnet-lite1")[name].get_params()
        assert found["cnn__network"] == "efficientnet-lite1"


BOTH = ["efficientnet-lite0", "efficientnet-lite1"]


@pytest.mark.parametrize("name, head", [("cnn", None), ("cnn:lda", "lda")])
def test_several_networks_are_side_by_side(name, head):
    flows = [(f"cnn_{network}", CNNEmbedding(network)) for network in BOTH]
    expected = make_model([(*flow, "passthrough") for flow in flows] if head is None else flows, head, random_state=3)
    assert repr(make_methods(name, network=BOTH, random_state=3)[name]) == repr(expected)
    flows = take_apart(make_methods("low-level+cnn", network=BOTH)["low-level+cnn"]).flows
    assert [flow for flow, _ in flows][-2:] == [f"cnn_{network}" for network in BOTH]


def test_networks_in_files_have_short_names(tmp_path, much_memory):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    paths = [str(plain(tmp_path / name)) for name in ("a/vit.onnx", "b/vit.onnx", "a/fast.onnx")]
    for name, path in zip(("vit", "vit-2", "fast-2"), paths):
        made = make_methods([f"{name}:map:lda"], network=paths)[f"{name}:map:lda"]
        assert repr(made) == repr(make_model([("cnn", CNNEmbedding(path, "map"))], "lda", random_state=0))
    assert make_methods("vit", network=paths[0])["vit"].get_params()["cnn__network"] == paths[0]
    assert "fast-2" in make_methods(["fast-2", "paper"], network=paths[2])


def test_all_of_several_networks(much_memory):
    stages = ["stem", *(f"stage{i}" for i in range(1, 8))]
    methods = list(make_methods("all", blank(4_000), network=BOTH))
    found = methods[methods.index(BOTH[0]):]
    assert found == [*BOTH, *(f"{network}:{stage}" for network in BOTH for stage in stages)]


@pytest.mark.parametrize("name, message", [
    ("cnn:stage5", "expected a head, because there are 2 networks, got 'stage5'; .* such as efficientnet-lite0:stage5"),
    ("cnn:stage5:lda", "got 'stage5:lda'"),
    ("cnn:", "got ''; .* such as efficientnet-lite0:LAYER; the networks are efficientnet-lite0, efficientnet-lite1"),
    ("vitt", "no method 'vitt'"),
])
def test_bad_methods_of_several_networks(name, message):
    with pytest.raises(ValueError, match=message):
        make_methods([name], network=BOTH)


def test_a_layer_with_the_name_of_a_head_is_ambiguous(monkeypatch):
    card = NETWORKS["efficientnet-lite0"]
    stage = card.layers["stage2"]
    renamed = replace(card, layers={**card.layers, "lda": stage, "a:lda": stage, "a": stage, "b:stack": stage})
    monkeypatch.setattr("twoflow.evaluation.methods.get_card", lambda network: renamed)
    monkeypatch.setattr("twoflow.evaluation.methods.find_layer", lambda network, layer: None)
    for name in ("cnn:lda", "cnn:a:lda"):
        with pytest.raises(ValueError, match=f"'{name}' has two meanings.* write NETWORK:LAYER:HEAD"):
            make_methods(name)
    for name, layer in (("cnn:b:stack", "b:stack"), ("cnn:b:stack:lda", "b:stack"), ("cnn:lda:forest", "lda")):
        assert make_methods(name)[name].get_params()["cnn__layer"] == layer
    assert make_methods("cnn:global_pool:lda")["cnn:global_pool:lda"].get_params()["cnn__layer"] == "global_pool"


def test_logistic_answers_as_plain_logistic_regression(shop):
    """Calibration changes how sure the head is, not what it answers."""
    plain = make_pipeline(CNNEmbedding(), StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    calibrated, expected = compare({"head": "cnn:logistic", "plain": plain}, shop, folds=2).methods
    for found, other in zip(calibrated.predicted, expected.predicted):
        assert (found == other).all()
    assert not np.allclose(calibrated.probabilities[0], expected.probabilities[0])


def test_every_form_of_a_name_is_made(monkeypatch):
    monkeypatch.setattr("twoflow.deep.extra._is_installed", lambda name: True)
    monkeypatch.setattr("twoflow.deep.backbones.describing.find_weights", Path)  # as if the weights were there
    filled = {"METHOD": "fast:stack", "STRATEGY": "leaves", "RECIPE": "fast", "NETWORK": "efficientnet-lite0",
              "LAYER": "stage2", "HEAD": "lda", "WIDTH": "8", "HEIGHT": "6", "TARGETS": "joint",
              "BACKBONE": "efficientnet-lite1"}
    for form in NAME_FORMS:
        name = form
        for word, value in filled.items():
            name = name.replace(word, value)
        assert [*make_methods(name)] == [name]


@pytest.mark.parametrize(
    "name, message",
    [
        ("two_flow", "no method 'two_flow'; did you mean two-flow"),
        ("", "expected names, got an empty one"),
        ("cnn:", "expected a layer of efficientnet-lite0 or a head, got ''"),
        ("cnn:stage9", "expected a layer of efficientnet-lite0 or a head, got 'stage9'; did you mean stage7"),
        ("cnn:ldaa", "expected a layer of efficientnet-lite0 or a head, got 'ldaa'; did you mean lda"),
        ("cnn:stage5:ldaa", "got 'ldaa'; did you mean lda"),
        ("efficientnet-lite1:stag5:lda", "a layer of efficientnet-lite1 or a head, got 'stag5'; did you mean stage5"),
        ("efficientnet-lit2:lda", "no method 'efficientnet-lit2:lda'; did you mean efficientnet-lite2"),
        ("pixels:", "no method 'pixels:'; did you mean pixels or"),
        ("pixels:64", "no method 'pixels:64'; did you mean .*pixels:WIDTHxHEIGHT"),
    ],
)
def test_bad_methods(name, message):
    with pytest.raises(ValueError, match=message):
        make_methods([name])
    with pytest.raises(ValueError, match="no network"):
        make_methods(["cnn:stage5"], network="none")


def test_methods_differ_on_the_generated_shop():
    """A demonstration needs methods that neither fail nor are perfect."""
    found = compare(["cnn", "projection"], make_shop(20, 12, random_state=0), folds=3, n_jobs=2)
    accuracy = {method.name: method.scores["accuracy"].mean() for method in found.methods}
    assert 0.5 < accuracy["cnn"] < 0.98 and 0.1 < accuracy["projection"] < accuracy["cnn"] - 0.1


@pytest.mark.parametrize("name, n_targets, are_levels, message", [
    ("fast:chain", 1, False, "'fast:chain' learns several targets, but the images have one; use fast, or give several"),
    ("fast:stack:joint", 2, True, "targets of these images are levels; use fast:stack:leaves, .* or fast:stack:levels"),
    ("fast:leaves", 2, False, "no levels; use fast:separate, .* or fast:chain, or say that they are levels"),
])
def test_a_strategy_that_does_not_suit_the_targets(name, n_targets, are_levels, message, shop):
    labels = np.array([label.split("/") for label in shop.labels.tolist()])[:, :n_targets]
    images = ImageCollection(shop.images, labels, are_levels=are_levels)
    with pytest.raises(ValueError, match=message) as caught:
        make_methods([name], images)
    assert "\n" not in str(caught.value)


def test_classifiers_of_several_targets_have_their_strategy_in_their_name():
    recipe, model = TwoFlowClassifier("fast", strategy="shared"), make_model([("color", ColorHistogram())])
    given = [recipe, MultiTargetClassifier(recipe.make()), MultiTargetClassifier(model, "joint"),
             MultiTargetClassifier({0: model}, "chain")]
    names = [*make_methods(given)]
    assert names == ["fast:shared", "flowclassifier", "flowclassifier:joint", "multitargetclassifier:chain"]
