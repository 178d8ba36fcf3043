import json

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from twoflow import CNNEmbedding
from twoflow.networks import get_card, open_session

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
WEIGHT = np.random.default_rng(1).normal(size=(5, 3, 1, 1)).astype(np.float32)
CARD = {"mean": 0, "scale": 255}


def make(path, shape=("N", 3, 6, 8), kind=TensorProto.FLOAT, card=CARD, extra=(), **options):
    """Write a network: nodes that turn the input into (N, 3, 6, 8) floats, convolution, ReLU, pool and dense layer."""
    nodes, x = [], "images"
    if kind != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [x], ["floats"], to=TensorProto.FLOAT))
        x = "floats"
    if shape[-1] == 3:
        nodes.append(helper.make_node("Transpose", [x], ["turned"], perm=[0, 3, 1, 2]))
        x = "turned"
    nodes += [
        helper.make_node("Conv", [x, "w"], ["/conv/out"], kernel_shape=(1, 1)),
        helper.make_node("Relu", ["/conv/out"], ["/relu/out"]),
        helper.make_node("GlobalAveragePool", ["/relu/out"], ["/pool/out"]),
        helper.make_node("Flatten", ["/pool/out"], ["/flat/out"]),
        helper.make_node("Gemm", ["/flat/out", "fc"], ["scores"], transB=1),
        *extra,
    ]
    constants = [numpy_helper.from_array(WEIGHT, "w"), numpy_helper.from_array(np.ones((2, 5), np.float32), "fc")]
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("images", kind, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)], constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    for key, value in options.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    if card is not None:
        path.with_suffix(".card.json").write_text(json.dumps(card))
    return path


def expected(scale=255):
    return np.maximum(np.einsum("oc,hwc->ohw", WEIGHT[:, :, 0, 0], PIXELS / scale), 0)


@pytest.mark.parametrize("batch", ["N", 1])
@pytest.mark.parametrize("shape", [(3, 6, 8), (6, 8, 3), (3, "height", "width")])
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.UINT8])
def test_any_input(tmp_path, batch, shape, kind):
    card = {"input_size": [8, 6]} if "width" in shape else {}
    scale = 255 if kind == TensorProto.FLOAT else 1
    if kind == TensorProto.FLOAT:
        card |= CARD
    path = make(tmp_path / "net.onnx", (batch, *shape), kind, card or None, license="MIT")
    assert get_card(path).input_size == (8, 6) and get_card(path).license == "MIT"
    outputs = open_session(path, ("/relu/out", "global_pool", "scores")).run(PIXELS)
    np.testing.assert_allclose(outputs["/relu/out"], expected(scale), rtol=1e-4, atol=1e-5 * 255 / scale)
    np.testing.assert_allclose(outputs["global_pool"], expected(scale).mean(axis=(1, 2)), rtol=1e-4)
    assert outputs["scores"].shape == (2,)


def test_layers_are_listed_by_name(tmp_path):
    layers = get_card(make(tmp_path / "net.onnx")).layers
    assert {name: tuple(layer) for name, layer in layers.items()} == {
        "/conv/out": (5, True, (6, 8)), "/relu/out": (5, True, (6, 8)), "/pool/out": (5, False, None),
        "/flat/out": (5, False, None), "scores": (2, False, None), "stage1": (5, True, (6, 8)),
        "global_pool": (5, False, None),
    }
    with pytest.raises(ValueError, match="net.onnx has no layer 'relu'; its layers are /conv/out, /relu/out"):
        CNNEmbedding(tmp_path / "net.onnx", "relu").fit([PIXELS])
    with pytest.raises(ValueError, match="net.onnx has no layer 'relu'"):
        open_session(tmp_path / "net.onnx", ("/relu/out", "relu"))


def test_the_graph_is_cut_behind_the_layer(tmp_path):
    from twoflow.networks.catalog import resolve

    path = make(tmp_path / "net.onnx")
    assert [node.op_type for node in resolve(path).build(["/relu/out"]).graph.node] == ["Conv", "Relu"]
    assert [tensor.name for tensor in resolve(path).build(["/relu/out"]).graph.initializer] == ["w"]


def test_embedding(tmp_path):
    path = make(tmp_path / "net.onnx")
    np.testing.assert_allclose(CNNEmbedding(path).fit_transform([PIXELS])[0], expected().mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(
        CNNEmbedding(str(path), "/relu/out", pooling="max").fit_transform([PIXELS])[0], expected().max(axis=(1, 2)),
        rtol=1e-4,
    )


def test_maps_that_have_the_channels_last_leave_with_the_channels_first(tmp_path):
    turn = helper.make_node("Transpose", ["/relu/out"], ["/turn/out"], perm=[0, 2, 3, 1])
    again = helper.make_node("Relu", ["/turn/out"], ["/again/out"])
    back = helper.make_node("Transpose", ["/again/out"], ["/back/out"], perm=[0, 3, 1, 2])
    path = make(tmp_path / "net.onnx", extra=[turn, again, back])
    names = ("/turn/out", "/again/out", "/back/out")
    for name, output in open_session(path, names).run(PIXELS).items():
        assert get_card(path).layers[name] == (5, True, (6, 8))
        np.testing.assert_allclose(output, expected(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"shape": ("N", 1, 6, 8)}, r"an input of shape .*, got FLOAT \(\?, 1, 6, 8\), .*1 channel; use a network for"),
        ({"kind": TensorProto.DOUBLE}, "an input of float32, float16 or uint8, got DOUBLE .*; export it"),
        ({"shape": ("N", 3, "h", "w")}, r'enter it: input_size missing; .*, such as {"input_size": \[224, 224\]}$'),
        ({"card": None}, r'enter it: mean, scale missing; .* such as {"mean": 0, "scale": 255} for RGB values from 0'),
        ({"card": {**CARD, "input_size": [9, 9]}}, "an input_size of 8 x 6 pixels, .*, got 9 x 9"),
    ],
)
def test_the_error_says_why_a_network_cannot_be_used(tmp_path, options, message):
    with pytest.raises(ValueError, match=f"net.onnx: .*{message}"):
        get_card(make(tmp_path / "net.onnx", **options))


def test_weights_that_are_cut_short(tmp_path):
    path = make(tmp_path / "net.onnx")
    model = onnx.load(path)
    model.graph.initializer[0].raw_data = b"123"
    onnx.save(model, path)
    with pytest.raises(ValueError, match="net.onnx: onnxruntime cannot run it: .*; export it again, or name an"):
        open_session(path, ("/conv/out",))


def test_a_type_that_onnxruntime_does_not_compute(tmp_path):
    path = make(tmp_path / "net.onnx")
    model = onnx.load(path)
    for tensor in model.graph.initializer[:2]:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))
    model.graph.node.insert(0, helper.make_node("Cast", ["images"], ["double"], to=TensorProto.DOUBLE))
    model.graph.node[1].input[0] = "double"
    model.graph.node.insert(2, helper.make_node("Cast", ["/conv/out"], ["/conv/single"], to=TensorProto.FLOAT))
    onnx.save(model, path)
    with pytest.raises(ValueError, match="onnxruntime cannot run it: .*; export it in float32, or update onnxruntime"):
        open_session(path, ("/conv/single",))


@pytest.mark.parametrize("name", [b"images", b"Relu", b"kernel_shape", b"/conv/out", b"license", b"\x42\x01w"])
def test_names_that_are_not_utf_8(tmp_path, name):
    path = make(tmp_path / "net.onnx", license="MIT")
    path.write_bytes(path.read_bytes().replace(name, name[:-1] + b"\xe9", 1))
    with pytest.raises(ValueError, match="net.onnx: it is damaged, or no ONNX file: onnx.* is not UTF-8"):
        get_card(path)


def test_onnxruntime_prints_nothing_itself(tmp_path, capfd):
    """By default it would print this error and try again, because it takes it for an error of a provider."""
    path = make(tmp_path / "net.onnx")
    model = onnx.load(path)
    model.graph.node[0].attribute.add(name="auto_pad", type=onnx.AttributeProto.STRING, s=b"\xe9")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="net.onnx: onnxruntime cannot run it"):
        open_session(path, ("/relu/out",), 1, CARD)
    assert capfd.readouterr() == ("", "")


def test_outputs_behind_an_unknown_operator_are_no_layers(tmp_path):
    path = make(tmp_path / "net.onnx")
    model = onnx.load(path)
    model.graph.node[1].domain = "nobody"
    model.opset_import.add(domain="nobody", version=1)
    onnx.save(model, path)
    assert list(get_card(path).layers) == ["/conv/out"]


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damaged_bytes_give_an_error_or_a_card(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    whole = bytearray(make(path).read_bytes())
    if data.draw(st.booleans()):
        whole = whole[:data.draw(st.integers(0, len(whole) - 1))]
    else:
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    try:
        assert get_card(path).input_size
    except ValueError as error:
        assert "damaged.onnx" in str(error)
