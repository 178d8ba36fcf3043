"""Every shape is known, but for those that an image decides; and a file newer than onnxruntime names both versions."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from twoflow.networks import get_card
from twoflow.networks.onnx.shapes import infer_shapes, infer_values, is_predictable

from .nets import constant, node, write
from .test_entrance import graph

FLOAT = TensorProto.FLOAT
INPUT = [("images", FLOAT, (1, 3, 6, 8))]
#: A shape that is computed from the image's, in a way that inference does not follow.
ROOT = [
    node("Shape", "images", "shape"), node("Cast", "shape", "floats", to=FLOAT), node("Sqrt", "floats", "roots"),
    node("Mul", "roots roots", "squares"), node("Round", "squares", "round"), node("Cast", "round", "sizes", to=7),
]
INDICES = [node("Greater", "images half", "large"), node("NonZero", "large", "indices")]
HALF = [constant("half", 0.5)]


def test_a_run_finds_what_inference_leaves_open():
    nodes = [*ROOT, node("Reshape", "images sizes", "same"), node("GlobalAveragePool", "same", "out")]
    model = graph(INPUT, nodes)
    assert "same" not in infer_shapes(model)
    values = infer_values(model)
    assert list(values["same"].shape) == [1, 3, 6, 8] and list(values["out"].shape) == [1, 3, 1, 1]
    assert set(values) == {each.output[0] for each in nodes} and is_predictable(model)


def test_operators_that_only_onnxruntime_knows():
    gelu = helper.make_node("Gelu", ["images"], ["gelu"], domain="com.microsoft")
    model = graph(INPUT, [gelu, node("GlobalAveragePool", "gelu", "out")])
    model.opset_import.add(domain="com.microsoft", version=1)
    assert {name: (value.kind, list(value.shape)) for name, value in infer_values(model).items()} == {
        "gelu": (FLOAT, [1, 3, 6, 8]), "out": (FLOAT, [1, 3, 1, 1]),
    }


def test_shapes_before_an_operator_that_nobody_knows():
    unknown = helper.make_node("Secret", ["same"], ["secret"], domain="nobody")
    model = graph(INPUT, [*ROOT, node("Reshape", "images sizes", "same"), unknown, node("Relu", "secret", "out")])
    model.opset_import.add(domain="nobody", version=1)
    values = infer_values(model)
    assert list(values["same"].shape) == [1, 3, 6, 8] and not {"secret", "out"} & set(values)


@pytest.mark.parametrize("nodes, known", [
    ([node("Cast", "indices", "out", to=FLOAT)], False),
    ([node("Cast", "indices", "found", to=FLOAT), node("ReduceSum", "found", "out", keepdims=0)], True),
    ([node("Shape", "indices", "count"), node("ConstantOfShape", "count", "out")], False),
    ([node("Cast", "large", "found", to=7), node("ReduceMax", "found", "n", keepdims=0), node("Range", "n n n", "out")],
     False),
])
def test_shapes_that_an_image_decides_stay_open(nodes, known):
    model = graph(INPUT, [*INDICES, *nodes], constants=HALF)
    values = infer_values(model)
    assert ("out" in values and 0 not in values["out"].shape) == known
    assert not is_predictable(model)


def test_the_branch_of_an_image_size_is_taken():
    """So exporters write a Squeeze: as a branch on the number of positions."""
    branches = {
        f"{name}_branch": helper.make_graph(
            [node("Reshape", f"images {name}", f"{name}.out")], name, [],
            [helper.make_tensor_value_info(f"{name}.out", FLOAT, None)],
        ) for name in ("then", "else")
    }
    nodes = [
        node("Shape", "images", "shape"), node("Gather", "shape last", "width"),
        node("Equal", "width eight", "is_eight"),
        helper.make_node("If", ["is_eight"], ["out"], **branches),
    ]
    constants = [
        constant("last", 3, np.int64), constant("eight", 8, np.int64), constant("then", [1, 18, 8], np.int64),
        constant("else", [144], np.int64),
    ]
    model = graph(INPUT, nodes, constants=constants)
    assert list(infer_values(model)["out"].shape) == [1, 18, 8]


@pytest.mark.parametrize("field, message", [
    ("opset", r"net.onnx: expected at most operator set \d+, the newest that onnxruntime 1.* reads, got 900; update "
     r"onnxruntime, or export the network with opset_version=\d+"),
    ("ir", r"net.onnx: expected at most IR version \d+, the newest .* reads, got 900; .* with ir_version=\d+"),
])
def test_a_file_that_is_newer_than_onnxruntime(tmp_path, field, message):
    path = write(tmp_path / "net.onnx", [node("GlobalAveragePool", "map", "out")])
    model = onnx.load(path)
    if field == "opset":
        model.opset_import[0].version = 900
    else:
        model.ir_version = 900
    onnx.save(model, path)
    with pytest.raises(ValueError, match=message):
        get_card(path)
