"""The layers of an ONNX graph that are named by their meaning, and the hints that are checked against it."""

import numpy as np
import pytest

from twoflow import CNNEmbedding
from twoflow.networks import get_card, open_session

from .nets import WIDTH, constant, node, write
from .test_global_pool import NO_POOLS, tower

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
CARD = {"mean": 127, "scale": 64}


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "net.onnx", **tower())


def test_a_tower(path):
    card = get_card(path)
    assert card.embedding == "image_embeds" and card.layers["tokens_"] == (WIDTH, True, (4, 4))
    outputs = open_session(path, ("map", "tokens", "tokens_", "cls", "image_embeds")).run(PIXELS)
    np.testing.assert_array_equal(outputs["tokens"], outputs["map"])  # a tensor of that name: the patches
    total = 1 + outputs["map"].sum(axis=(1, 2))  # the weights of all tokens are 1
    np.testing.assert_allclose(outputs["tokens_"], np.broadcast_to(total[:, None, None], (WIDTH, 4, 4)), rtol=1e-5)
    assert "the first 1 of 17 dropped" in card.reasons["tokens"] and card.reasons["embedding"]


@pytest.mark.parametrize("name, layer", [
    ("a gate", "out"), ("a normalization", "out"), ("a mean over channels", "map"), ("a mean over everything", "map"),
    ("a mean of some positions", "out"), ("a mean of one channel", "map"),
])
def test_the_mean_of_the_smallest_map_stands_in_for_a_pool(tmp_path, name, layer):
    path = write(tmp_path / "net.onnx", **NO_POOLS[name])
    outputs = open_session(path, (layer, "mean")).run(PIXELS)
    assert get_card(path).embedding == "mean"
    np.testing.assert_allclose(outputs["mean"], outputs[layer].mean(axis=(1, 2)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("head", [[], [
    node("Reshape", "boxes four", "shares"), node("Conv", "shares w", "decoded"),
]], ids=["boxes of two maps", "decoded boxes"])
def test_a_detector_has_no_embedding(tmp_path, head):
    path = write(tmp_path / "net.onnx", [
        node("MaxPool", "map", "small", kernel_shape=[2, 2], strides=[2, 2]),
        node("Reshape", "map flat", "many"), node("Reshape", "small flat", "few"),
        node("Concat", "many few", "boxes", axis=2), *head,
    ], [constant("flat", [1, WIDTH, -1], np.int64), constant("four", [1, 2, 3, 20], np.int64),
        constant("w", np.ones((4, 2, 1, 1)))], outputs=["decoded" if head else "boxes"])
    assert get_card(path).embedding is None
    with pytest.raises(ValueError, match="a vector or a map of the image, got none, as of a detector; name a layer"):
        CNNEmbedding(path).fit([PIXELS])


@pytest.mark.parametrize("hints, message", [
    ({"prefix_tokens": 5}, "prefix_tokens: expected 1, because .* before the 4 x 4 positions, got 5"),
    ({"patch_size": 4}, "patch_size: expected 2, because the graph has 4 x 4 positions, got 4"),
    ({"output": "logits"}, "output: expected a layer that is a vector, got 'logits', no such layer"),
    ({"output": "map"}, "output: expected a layer that is a vector, got 'map', a map"),
    ({"stages": ["map", "maps"]}, "stages: expected names of layers, got 'maps', no such layer"),
])
def test_hints_that_contradict_the_graph(path, hints, message):
    with pytest.raises(ValueError, match=f"net.onnx: {message}"):
        get_card(path, {**CARD, **hints})


def test_a_card_may_name_the_embedding(path):
    card = {**CARD, "output": "cls"}
    assert get_card(path, card).embedding == "cls"
    assert CNNEmbedding(path, preprocessing=card).fit_transform([PIXELS]).shape == (1, WIDTH)


def test_a_card_may_name_the_stages(path):
    card = get_card(path, {**CARD, "stages": ["map", "cls"]})
    assert card.stages == ("map",) and card.reasons["stages"] == "map to cls: the card says so"


def test_logits_are_no_embedding_although_an_output_is_named_so(tmp_path):
    nodes = [node("GlobalAveragePool", "map", "pool"), node("Flatten", "pool", "flat"),
             node("Gemm", "flat fc", "features")]
    path = write(tmp_path / "net.onnx", nodes, [constant("fc", np.ones((WIDTH, 3)))], outputs=("features",))
    assert get_card(path, CARD).embedding == "features"
    assert get_card(path, {**CARD, "n_classes": 3}).embedding == "global_pool"
