"""Check the models that `make_model` makes of recipes, flows and heads."""

import numpy as np
import onnx
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from twoflow import (
    CNNEmbedding,
    ColorHistogram,
    FlowClassifier,
    ImageReadError,
    PixelProjection,
    RawPixels,
    TwoFlowClassifier,
    make_model,
)
from twoflow.heads import ForestSelector, KernelRidgeClassifier, LogOpinionPool
from twoflow.models import BestOf
from twoflow.networks import catalog

from ..lanes import unavailable
from ..networks.onnx import nets
from ..public_paths import without_public_path


def networks_of(model):
    return [*dict.fromkeys(flow.network for _, flow, _ in model.flows if hasattr(flow, "network"))]


def test_recipe_of_the_paper():
    model = make_model()
    (_, projection, _), (_, cnn, _) = model.flows
    assert isinstance(projection, PixelProjection) and isinstance(cnn, CNNEmbedding)
    assert [(type(selector), selector.max_features) for _, _, selector in model.flows] == [
        (ForestSelector, 55), (ForestSelector, 400),
    ]


def test_fast_is_one_pass_over_one_network():
    model = make_model("fast", random_state=3, n_jobs=2, verbose=True, store="somewhere")
    flows = [flow for _, flow, _ in model.flows]
    assert [flow.layer for flow in flows] == ["stage4", "stage5", "stage6"]
    assert isinstance(model.head, KernelRidgeClassifier)
    assert {flow.pooling for flow in flows} == {"covariance"} and {flow.views for flow in flows} == {"whole"}
    assert (model.random_state, model.n_jobs, model.verbose, model.store) == (3, 2, True, "somewhere")


def weighed(model):
    """The model whose flows "best" weighs."""
    (name, inside), = model.models
    assert name == "weighed" and model.weights == "leave-out"
    return inside


def test_best_has_all_installed_networks(monkeypatch):
    monkeypatch.setattr("twoflow.models.recipes.find_weights", lambda name: None)
    assert networks_of(weighed(make_model("best"))) == ["efficientnet-lite0"]
    monkeypatch.setattr("twoflow.models.recipes.find_weights", lambda name: name)
    best, other = (weighed(make_model("best", network=each)) for each in ("efficientnet-lite0", "inception-21k"))
    assert networks_of(best) == ["efficientnet-lite0", "efficientnet-lite2", "efficientnet-lite1"]
    assert networks_of(other) == ["inception-21k", "efficientnet-lite2", "efficientnet-lite1"]
    for model in (best, other):
        names = [name for name, *_ in model.flows]
        assert len(set(names)) == len(names) and {"lab", "lab_grid", "hsv_grid"} < set(names)


def test_best_separates_dark_and_pale_shades():
    flows = {name: flow for name, flow, _ in weighed(make_model("best")).flows}
    shades = [(30, 30, 34), (25, 28, 60), (232, 232, 234), (215, 229, 241)]  # black, navy, white, pale blue
    images = np.array(shades, np.uint8)[:, None, None].repeat(8, axis=1).repeat(8, axis=2)
    histograms = flows["lab"].fit_transform(images)
    np.testing.assert_array_equal(histograms @ histograms.T, np.eye(4))


def test_a_network_that_cannot_be_resized_keeps_its_size():
    for _, flow, _ in make_model("fast", network="inception-21k").flows:
        assert flow.preprocessing is None and flow.network == "inception-21k"


def test_wide_stages_are_projected():
    flows = {name: flow.n_channels for name, flow, _ in make_model("fast", network="inception-bn").flows}
    assert flows == {"max_pool_4e_pool": 256, "max_pool_5b_pool": 256}
    assert {flow.n_channels for _, flow, _ in make_model("fast").flows} == {None}


def test_fast_takes_the_embedding_of_a_network_without_maps(tmp_path, shop):
    shapes = {"x": (1, 3, 9, 9), "image_embeds": (1, 5)}
    kinds = [onnx.helper.make_tensor_value_info(name, 1, shape) for name, shape in shapes.items()]
    nodes = [nets.node("Flatten", "x", "flat"), nets.node("MatMul", "flat w", "image_embeds")]
    weights = nets.constant("w", np.random.default_rng(0).normal(size=(243, 5)))
    path = tmp_path / "net.onnx"
    graph = onnx.helper.make_graph(nodes, "net", kinds[:1], kinds[1:], [weights])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), path)
    path.with_suffix(".card.json").write_text('{"mean": 127, "scale": 64}')
    model = make_model("fast", network=path)
    (name, flow, _), = model.flows
    assert name == "embedding" and flow.layer is None and flow.pooling == "mean"
    assert model.fit(shop).predict(shop[:3]).shape == (3,)


def test_several_networks(tmp_path):
    paths = [nets.plain(tmp_path / name) for name in ("one.onnx", "two.onnx")]
    networks = ["efficientnet-lite0", *paths]
    paper = make_model("paper", network=networks)
    assert [name for name, *_ in paper.flows] == ["projection", "efficientnet-lite0_cnn", "one_cnn", "two_cnn"]
    fast = weighed(make_model("fast", network=networks))
    assert networks_of(fast) == networks
    assert [name for name, *_ in fast.flows][:4] == [
        "efficientnet-lite0_stage4", "efficientnet-lite0_stage5", "efficientnet-lite0_stage6", "one_stage1"
    ]
    assert [name for name, *_ in make_model("fast", network=[paths[0]]).flows] == ["stage1"]
    parameters = TwoFlowClassifier("fast", network=networks).make().get_params()
    assert parameters["weights"] == "leave-out" and parameters["weighed__one_stage1__network"] == paths[0]


def test_best_of_several_networks_adds_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr("twoflow.models.recipes.find_weights", lambda name: name)
    path = nets.plain(tmp_path / "one.onnx")
    networks = [path, "efficientnet-lite0"]
    assert networks_of(weighed(make_model("best", network=networks))) == networks


def test_another_head_replaces_the_recipes_own():
    assert all(selector != "passthrough" for _, _, selector in make_model("paper", "lda").flows)
    own = make_model("paper", LogisticRegression(C=2))
    assert own.head.C == 2 and {selector for _, _, selector in own.flows} == {"passthrough"}
    best = make_model("best", KernelRidgeClassifier(class_weight="balanced"), random_state=1)
    assert isinstance(best, BestOf) and best.random_state == 1 and weighed(best).head.class_weight == "balanced"


def test_only_a_head_that_is_fitted_from_the_kernel_has_weights():
    best = make_model("best", "logistic", random_state=1)
    assert isinstance(best, FlowClassifier) and best.random_state == 1
    assert [name for name, *_ in best.flows] == [name for name, *_ in weighed(make_model("best")).flows]


def test_class_weights_and_limits():
    best = weighed(make_model("best", class_weight="balanced", max_per_class=9))
    assert best.head.max_per_class == 9 and best.head.classifier.class_weight == "balanced"
    stacked = make_model("fast", "stack", class_weight={"boot": 2.0}, max_per_class=9)
    assert isinstance(stacked.head, LogOpinionPool)
    for _, _, selector in stacked.flows:
        assert selector.classifier.max_per_class == 9
        assert selector.classifier.classifier[-1].class_weight == {"boot": 2.0}
    with pytest.raises(ValueError, match="expected flows without selectors, because those of stack learn the classes"):
        make_model([("color", ColorHistogram(), "passthrough")], "stack", class_weight="balanced")
    with pytest.raises(ValueError, match="expected a head that weighs classes, got GaussianNB; choose forest, "):
        make_model("fast", GaussianNB(), class_weight="balanced")
    with pytest.raises(ValueError, match="expected 'balanced', a weight for each class, or None, got 'even'"):
        make_model("fast", class_weight="even")


def test_flows_of_your_own():
    model = make_model([("color", ColorHistogram()), ("pixels", RawPixels((4, 3)), "passthrough")], "kernel-ridge")
    assert isinstance(model, FlowClassifier) and isinstance(model.head, KernelRidgeClassifier)
    assert model.flows[0][2] != "passthrough" and model.flows[1][2] == "passthrough"
    assert make_model([("color", ColorHistogram())]).head.n_estimators == 200  # as in the paper


@pytest.mark.parametrize("recipe, head", [("paper", None), ("fast", None), ("best", None), ("fast", "stack")])
def test_what_a_fitted_model_holds_has_a_public_path(shop, recipe, head):
    assert without_public_path(make_model(recipe, head).fit(shop[::2])) == set()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("quick",), "no recipe 'quick'"),
        (("fsat",), "did you mean 'fast'"),
        (("fast", "nearest"), "no head 'nearest'; did you mean"),
        (([("cnn",)],), "expected a list of .name, flow. or .name, flow, selector"),
        (("paper", None, "efficientnet"), "no network 'efficientnet'; did you mean"),
        (("fast", None, ["efficientnet-lite0", "efficientnet"]), "no network 'efficientnet'; did you mean"),
        (("fast", None, ["efficientnet-lite0"] * 2), "expected each network once, got 'efficientnet-lite0' twice"),
        (("best", None, []), "expected at least one network, got none"),
    ],
)
def test_bad_arguments(arguments, message):
    recipe, head, network = (*arguments, *[None, "efficientnet-lite0"][len(arguments) - 1:])
    with pytest.raises(ValueError, match=message):
        make_model(recipe, head, network=network)


def test_best_with_real_networks(shop):
    if None in map(catalog.find_weights, ("efficientnet-lite1", "efficientnet-lite2")):
        unavailable("needs the weights of a second and a third network, the extra networks")
    model = make_model("best", random_state=0).fit(shop)
    assert len(model.weights_) == 13 and model.score(shop, shop.labels) == 1


@pytest.mark.parametrize("recipe", ["fast", "best"])
def test_too_many_images_for_memory_are_refused_before_any_is_read(monkeypatch, recipe):
    monkeypatch.setattr("twoflow.heads.needed_memory.free_memory", lambda: 8 * 40**2 - 1)
    model, missing = make_model(recipe, random_state=0), [f"{i}.jpg" for i in range(40)]
    n_features = "28,096" if recipe == "fast" else "[0-9,]+"
    with pytest.raises(ValueError, match=f"kernel ridge on 40 images of {n_features} features takes at least"):
        model.fit(missing, ["boot", "clog"] * 20)
    with pytest.raises(ImageReadError, match="0.jpg"):
        model.fit(missing[:38], ["boot", "clog"] * 19)
    with pytest.raises(ImageReadError, match="0.jpg"):  # the paper's forests take no such table
        make_model(random_state=0).fit(missing, ["boot", "clog"] * 20)
