"""Inputs of all kinds: open axes, several inputs, other numbers, fixed batches, and what is no image."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from twoflow.networks import get_card, open_session
from twoflow.networks.onnx.entrance import fix_input, read_input

from .nets import constant, node
from .test_graph import PIXELS, expected, make

CARD = {"input_size": (8, 6), "mean": 0, "scale": 255}
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def graph(inputs, nodes, outputs=("out",), constants=()):
    """Return a model with inputs of these names, kinds and shapes."""
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        nodes, "net", [value(*each) for each in inputs], [value(name, FLOAT, None) for name in outputs], constants
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def stem(image="images", output="map", channels=3):
    return node("Conv", f"{image} w", output), constant("w", np.ones((5, channels, 1, 1)))


@pytest.mark.parametrize("names, turned, last", [
    (("batch_size", "num_channels", "height", "width"), False, False),
    (("batch", "height", "width", "channels"), True, True),
    ((None,) * 4, False, False),
    ((None,) * 4, True, True),
    (("n", "a", "b", "c"), True, True),
    (("n", "c", "a", "b"), False, False),
    (("n", "a", "b", 3), True, True),
    (("n", 3, "a", "b"), False, False),
])
def test_open_axes(names, turned, last):
    """Their names say which axis counts the channels, else the nodes that read the image."""
    turn = [node("Transpose", "scaled", "turned", perm=[0, 3, 1, 2])] if turned else []
    convolution, weights = stem("turned" if turned else "scaled")
    scale = node("Mul", "images one", "scaled")
    model = graph([("images", FLOAT, names)], [scale, *turn, convolution], ["map"], [weights, constant("one", 1)])
    found = read_input(model)
    assert found == ("images", None, None, last, FLOAT, 1)
    fix_input(model, (8, 6))
    assert [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 6, 8]


@pytest.mark.parametrize("shape", [(3, 6, 8), (6, 8, 3)])
def test_half_floats(tmp_path, shape):
    path = make(tmp_path / "net.onnx", ("N", *shape), TensorProto.FLOAT16, CARD)
    found = open_session(path, ("/relu/out",)).run(PIXELS)["/relu/out"]
    np.testing.assert_allclose(found, expected(), rtol=2e-3, atol=2e-3)


def test_a_batch_that_all_layers_keep_apart_becomes_one_image(tmp_path):
    path = make(tmp_path / "net.onnx", (8, 3, 6, 8))
    np.testing.assert_allclose(open_session(path, ("/relu/out",)).run(PIXELS)["/relu/out"], expected(), rtol=1e-4)


@pytest.mark.parametrize("shape", [[8, -1], [1, -1, 6, 8], [4, 2, -1]])
def test_a_batch_that_a_layer_mixes(tmp_path, shape):
    path = make(
        tmp_path / "net.onnx", (8, 3, 6, 8), extra=[
            helper.make_node("Constant", [], ["shape"], value=constant("shape", shape, np.int64)),
            node("Reshape", "/relu/out shape", "mixed"),
        ],
    )
    with pytest.raises(ValueError, match="net.onnx: .*for 8 images at a time, .*; export it with a batch of 1 or"):
        get_card(path)


def test_the_tower_of_a_network_for_images_and_texts():
    """What needs the text goes; what is left of the outputs depends on the image alone."""
    convolution, weights = stem()
    nodes = [
        node("Cast", "text", "floats", to=FLOAT), node("ReduceSum", "floats", "text_embeds", keepdims=0),
        convolution, node("GlobalAveragePool", "map", "image_embeds"),
        node("Mul", "image_embeds text_embeds", "logits"),
    ]
    inputs = [("text", INT64, ("n", 7)), ("images", FLOAT, (None,) * 4)]
    model = graph(inputs, nodes, ["logits", "text_embeds", "image_embeds"], [weights])
    assert fix_input(model, (8, 6)) == "images"
    assert [value.name for value in model.graph.input] == ["images"]
    assert [value.name for value in model.graph.output] == ["image_embeds"]
    assert [each.op_type for each in model.graph.node] == ["Conv", "GlobalAveragePool"]
    model = graph(inputs, nodes, ["logits"], [weights])
    fix_input(model, (8, 6))
    assert [value.name for value in model.graph.output] == ["image_embeds"], "what the text is compared with"


def test_weights_that_are_inputs_too(tmp_path):
    """So they are in files of IR version 3."""
    path = make(tmp_path / "net.onnx")
    model = onnx.load(path)
    model.ir_version = 3
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, FLOAT, tensor.dims))
    onnx.save(model, path)
    np.testing.assert_allclose(open_session(path, ("/relu/out",)).run(PIXELS)["/relu/out"], expected(), rtol=1e-4)


IMAGE = ("images", FLOAT, ("n", 3, 6, 8))


@pytest.mark.parametrize("inputs, message", [
    ([("input_ids", INT64, ("n", "length"))], r"got INT64 \(\?, \?\); use a network, or the part .* vision_model.onnx"),
    ([("ids", INT64, (1, 9)), ("mask", INT64, (1, 9))], r"got ids of INT64 \(1, 9\), mask of INT64 .*; use the part"),
    ([IMAGE, ("second", *IMAGE[1:])], r"expected one input that takes an image, got 2 \(images, second\); export the"),
    ([("images", FLOAT, (3, 6, 8))], r"got FLOAT \(3, 6, 8\); export it with a batch axis in front"),
    ([("images", FLOAT, (1, 3, 9, 6, 8))], r"got FLOAT \(1, 3, 9, 6, 8\); it takes videos or volumes; use a network"),
    ([("images", FLOAT, None)], r"got FLOAT \(\); export it with the shape of its input"),
    ([("images", FLOAT, (1, 1, 6, 8))], r"takes images of 1 channel; use a network for images of three channels"),
    ([("images", FLOAT, (1, 12, 6, 8))], r"takes images of 12 channels; use a network for images of three channels"),
    ([("images", TensorProto.BFLOAT16, (1, 3, 6, 8))], r"got BFLOAT16 \(1, 3, 6, 8\); export it with one of these"),
    ([], "got no input; use the part of the network that takes images"),
])
def test_the_error_names_what_is_no_image(inputs, message):
    with pytest.raises(ValueError, match=message):
        read_input(graph(inputs, [node("Identity", "images", "out")]))


def test_the_first_convolution_says_how_many_channels_an_open_axis_has():
    convolution, weights = stem(channels=1)
    model = graph([("images", FLOAT, (None,) * 4)], [convolution], ["map"], [weights])
    with pytest.raises(ValueError, match="takes images of 1 channel"):
        read_input(model)


def test_everything_depends_on_another_input():
    nodes = [node("Mul", "images factor", "out"), node("Relu", "out", "rest")]
    model = graph([IMAGE, ("factor", FLOAT, [1])], nodes, ["rest"])
    with pytest.raises(ValueError, match="expected layers that depend on the image alone, but all need factor too"):
        fix_input(model, (8, 6))
