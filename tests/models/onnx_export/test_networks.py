"""Networks of every family: the exported graph computes what the flow computes, from any layer."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from twoflow import CNNEmbedding, FlowUnion, make_model
from twoflow.models.onnx_export import compare, export_onnx
from twoflow.networks import get_card

from ...networks.onnx.builder import Builder
from ...networks.onnx.families import FAMILIES
from .running import graph_of_flow, run

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
#: Of each family one export: other opsets, dynamic axes, a turned input, float16.
DESIGN = [
    (family, (11, 14, 17, 20)[number % 4], ("fixed", "batch", "all")[number % 3], "nhwc" if number % 4 == 3 else "nchw",
     "float16" if number % 5 == 4 else "float32")
    for number, family in enumerate(FAMILIES)
]


def build(path, family, opset=17, axes="fixed", layout="nchw", kind="float32"):
    builder = Builder(PIXELS, opset, axes, kind, layout)
    made = FAMILIES[family](builder)
    builder.write(path, *made.outputs)
    return path


@pytest.mark.parametrize("family, opset, axes, layout, kind", DESIGN)
def test_layers_by_meaning(tmp_path, shop, family, opset, axes, layout, kind):
    """Vectors and maps, also in a mirror, of one pass."""
    path = build(tmp_path / "net.onnx", family, opset, axes, layout, kind)
    card = get_card(path)
    layers = [None, *card.stages[-2:], *(name for name in ("tokens", "cls") if name in card.layers)]
    union = FlowUnion([(f"{i}", CNNEmbedding(path, layer, views="mirror")) for i, layer in enumerate(layers)])
    images = [*list(shop)[:2], PIXELS]
    expected = union.fit(images).transform(images)
    found = run(graph_of_flow(union), images)
    limit = 1e-5 if kind == "float32" else 2e-3
    assert np.abs(found - expected).max() <= limit * np.abs(expected).max() > 0


def test_a_model_of_a_transformer(tmp_path, shop):
    """The covariance of its tokens, and its class token."""
    path = build(tmp_path / "vit.onnx", "vit", 14, "all")
    flows = [("cls", CNNEmbedding(path)), ("tokens", CNNEmbedding(path, "tokens", pooling="covariance"))]
    model = make_model(flows, "kernel-ridge", random_state=0).fit(shop)
    agreement = compare(export_onnx(model), model, list(shop)[:6])
    assert agreement.n_same == 6 and agreement.largest < 1e-3


def test_the_image_tower_of_a_whole_model(tmp_path, shop):
    """A second input, for text, is needed by no layer, and the exported graph does not have it."""
    path = build(tmp_path / "clip.onnx", "clip")
    alone = CNNEmbedding(path).fit(shop).transform(shop[:2])
    model = onnx.load(path)
    model.graph.input.append(helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"]))
    model.graph.node.append(helper.make_node("Cast", ["input_ids"], ["text_embeds"], to=TensorProto.FLOAT))
    model.graph.output.append(helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, ["batch", "length"]))
    onnx.save(model, path)
    flow = CNNEmbedding(path).fit(shop)
    np.testing.assert_array_equal(flow.transform(shop[:2]), alone)
    exported = graph_of_flow(flow)
    assert [value.name for value in exported.graph.input] == ["image"]
    np.testing.assert_allclose(run(exported, shop[:2]), alone, atol=1e-5 * np.abs(alone).max())
