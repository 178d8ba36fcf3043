"""Networks in 8-bit integers: sums are exact on every processor, and each processor is checked."""

import dataclasses
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from twoflow import CNNEmbedding
from twoflow.networks import open_session
from twoflow.networks.quantized_network import cosine

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)


def constant(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def make(path, nodes, constants, output):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "net", [value("images", TensorProto.FLOAT, (1, 3, 8, 8))], [value(output, TensorProto.FLOAT, None)],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    path.with_suffix(".card.json").write_text(json.dumps({"mean": 0, "scale": 1}))
    return path


def test_large_weights_do_not_saturate(tmp_path):
    """A sum of two products of up to 255 * 127 exceeds 16 bits, at which processors without VNNI cut it off."""
    weight = np.full((16, 3, 3, 3), 127, np.int8)
    weight[::2] = -128
    nodes = [
        helper.make_node("QuantizeLinear", ["images", "one", "zero"], ["levels"]),
        helper.make_node("DequantizeLinear", ["levels", "one", "zero"], ["exact"]),
        helper.make_node("DequantizeLinear", ["w", "one", "middle"], ["weight"]),
        helper.make_node("Conv", ["exact", "weight"], ["sums"]),
        helper.make_node("QuantizeLinear", ["sums", "step", "half"], ["coarse"]),
        helper.make_node("DequantizeLinear", ["coarse", "step", "half"], ["out"]),
    ]
    constants = [
        constant("one", 1), constant("zero", 0, np.uint8), constant("middle", 0, np.int8),
        constant("w", weight, np.int8), constant("step", 8192), constant("half", 128, np.uint8),
    ]
    outputs = open_session(make(tmp_path / "net.onnx", nodes, constants, "out"), ("out",)).run(PIXELS[0])["out"]
    windows = np.lib.stride_tricks.sliding_window_view(PIXELS[0].astype(np.int64), (3, 3), axis=(0, 1))
    sums = np.einsum("hwcij,ocij->ohw", windows, weight.astype(np.int64))
    np.testing.assert_array_equal(outputs, np.clip(np.round(sums / 8192), -128, 127) * 8192)


@pytest.fixture
def fitted(tmp_path):
    weight = np.random.default_rng(1).normal(size=(12, 3, 3, 3))
    nodes = [helper.make_node("Conv", ["images", "w"], ["map"]), helper.make_node("Relu", ["map"], ["out"])]
    path = make(tmp_path / "net.onnx", nodes, [constant("w", weight)], "out")
    return CNNEmbedding(path, "out", precision="int8").fit(list(PIXELS))


def test_the_probe_is_a_calibration_image(fitted):
    probe = fitted.quantized_
    assert probe.probe in [pixels.tobytes() for pixels in PIXELS]
    pixels = np.frombuffer(probe.probe, np.uint8).reshape(8, 8, 3)
    exact = open_session(fitted.network, ("out",)).run(pixels)["out"]
    np.testing.assert_array_equal(np.frombuffer(probe.expected, np.float32), exact.ravel())
    assert 0.98 < probe.cosine <= 1 and 0.98 < fitted.cosine_ <= 1


def test_a_processor_that_computes_less_exactly_is_refused(fitted):
    """The expected output is changed, as if the machine that fitted the flow had computed something else."""
    expected = np.frombuffer(fitted.quantized_.expected, np.float32)
    wrong = expected + np.resize([1, -1], len(expected)).astype(np.float32) * expected.std()
    fitted.quantized_ = dataclasses.replace(fitted.quantized_, expected=wrong.tobytes())
    with pytest.raises(ValueError, match='this processor does not compute out of .*net.onnx corr.* got 0.*32"'):
        fitted.transform(list(PIXELS))


@pytest.mark.parametrize("one, other, expected", [
    ([3, 4], [6, 8], 1), ([1, 0], [0, 2], 0), ([0, 0], [0, 0], 1), ([0, 0], [1, 0], 0),
])
def test_cosine(one, other, expected):
    assert cosine(np.array(one, np.float32), np.array(other, np.float32)) == pytest.approx(expected)
