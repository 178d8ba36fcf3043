"""Hostile graphs: they never end, take 8 GB, or unfold to billions of nodes. Each gives one line in no time."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from twoflow.networks import limits, open_session
from twoflow.networks.onnx import read_graph
from twoflow.networks.onnx.cost import check_cost
from twoflow.networks.onnx.values import Value

from .onnx.nets import constant, node
from .onnx.test_entrance import graph

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
INPUT = [("images", FLOAT, (1, 3, 8, 8))]
SIZE = (8, 8)
PIXELS = np.full((8, 8, 3), 99, np.uint8)


def loop(step, shape=None, condition="again", constants=()):
    """Return a graph whose loop applies a node, "value" -> "next", while a condition holds."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [step, node("Identity", "go", "still")], "body", [value("i", INT64, []), value("go", BOOL, []),
                                                          value("value", FLOAT, shape)],
        [value("still", BOOL, []), value("next", FLOAT, shape)],
    )
    repeat = helper.make_node("Loop", ["", condition, "images"], ["end"], body=body)
    nodes = [repeat, node("Reshape", "end same", "shaped"), node("Conv", "shaped one", "out")]
    if condition == "bright":
        nodes[:0] = [node("ReduceMax", "images", "most", keepdims=0), node("Greater", "most half", "bright")]
    return graph(INPUT, nodes, constants=[
        constant("again", True, bool), constant("half", 0.5), constant("same", [1, 3, 8, 8], np.int64),
        constant("one", np.eye(3)[:, :, None, None]), *constants,
    ])


def growing(condition="again"):
    return loop(node("Concat", "value value", "next", axis=0), condition=condition)


def sized(operator, shape, *more, **attributes):
    """Return a graph with a tensor of a computed shape."""
    nodes = [helper.make_node(operator, [*more, "shape"], ["large"], **attributes), node("ReduceSum", "large", "sum"),
             node("Add", "sum images", "out")]
    return graph(INPUT, nodes, constants=[constant("shape", shape, np.int64), constant("one", [[[[1]]]])])


TOO_LARGE = {
    "ConstantOfShape": sized("ConstantOfShape", [2**31]),
    "Expand": sized("Expand", [1, 1, 2**16, 2**15], "one"),
    "Tile": sized("Tile", [1, 1, 2**11, 2**10], "images"),
    "Pad": sized("Pad", [0, 0, 2**15, 2**15, 0, 0, 0, 0], "images"),
    "a shape that is computed": graph(INPUT, [
        node("Shape", "images", "shape"), node("Cast", "shape", "floats", to=FLOAT), node("Mul", "floats k", "more"),
        node("Round", "more", "round"), node("Cast", "round", "sizes", to=INT64), node("Expand", "one sizes", "out"),
    ], constants=[constant("k", 2**12), constant("one", [[[[1]]]])]),
    "a loop that doubles": growing(),
    "many at a time": graph(INPUT, [
        *(node("Expand", "one shape", f"t{i}") for i in range(8)),
        node("Sum", " ".join(f"t{i}" for i in range(8)), "sum"), node("Add", "sum images", "out"),
    ], constants=[constant("shape", [1, 3, 2**13, 2**13], np.int64), constant("one", [[[[1]]]])]),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_8_gb(name, monkeypatch):
    if "loop" in name:
        monkeypatch.setattr(limits, "MAX_MEMORY", 2**24)
    with pytest.raises(ValueError, match="expected (a network whose values take at most|at most .* values in a layer)"):
        read_graph(TOO_LARGE[name].SerializeToString(), SIZE)


def test_a_loop_that_never_ends(monkeypatch, tmp_path):
    monkeypatch.setattr(limits, "MAX_SECONDS", 0.05)
    path = tmp_path / "net.onnx"
    onnx.save(loop(node("Relu", "value", "next")), path)
    card = {"mean": 0, "scale": 255}
    with pytest.raises(ValueError, match="net.onnx: expected a network that takes at most 0.05 s for an image"):
        open_session(path, ("out",), preprocessing=card).run(PIXELS)


def test_the_image_decides_whether_a_loop_ends(monkeypatch, tmp_path):
    """Each run of such a graph is limited, not only the first."""
    monkeypatch.setattr(limits, "MAX_SECONDS", 0.05)
    path = tmp_path / "net.onnx"
    onnx.save(loop(node("Relu", "value", "next"), (1, 3, 8, 8), "bright"), path)
    session = open_session(path, ("out",), preprocessing={"mean": 0, "scale": 255})
    for _ in range(2):
        assert not session.run(0 * PIXELS)["out"].any()
    with pytest.raises(ValueError, match="at most 0.05 s for an image"):
        session.run(2 * PIXELS)
    assert not session.run(0 * PIXELS)["out"].any()


def test_a_run_within_the_limits_is_not_touched(tmp_path):
    path = tmp_path / "net.onnx"
    step = node("Mul", "value value", "next")
    onnx.save(loop(step, (1, 3, 8, 8), "never", [constant("never", False, bool)]), path)
    found = open_session(path, ("out",), preprocessing={"mean": 0, "scale": 1}).run(PIXELS)["out"]
    assert (found == 99).all()


def test_products_that_take_minutes():
    nodes = [node("Expand", "one shape", "t0"), *(node("MatMul", f"t{i} t0", f"t{i + 1}") for i in range(9))]
    constants = [constant("shape", [1, 1, 2**14, 2**14], np.int64), constant("one", [[[[1]]]])]
    ends = [node("ReduceSum", "t9", "sum"), node("Add", "sum images", "out")]
    model = graph(INPUT, [*nodes, *ends], constants=constants)
    with pytest.raises(ValueError, match="multiplications for an image, got 4e.13, which take minutes; use a smaller"):
        check_cost(model, {each.output[0]: Value(TensorProto.INT8, (1, 1, 2**14, 2**14)) for each in nodes})


def test_functions_that_unfold():
    """Thirty functions of two calls each are a billion nodes; one that calls itself has no end."""
    def function(name, called):
        calls = [helper.make_node(called, [one], [other], domain="own") for one, other in ("xy", "yz")]
        return helper.make_function("own", name, ["x"], ["z"], calls, [helper.make_opsetid("own", 1)])

    def calling(*functions):
        model = graph(INPUT, [helper.make_node("f0", ["images"], ["out"], domain="own")])
        model.opset_import.add(domain="own", version=1)
        model.functions.extend(functions)
        return model.SerializeToString()

    relu = helper.make_function("own", "f30", ["x"], ["z"], [node("Relu", "x", "z")], [helper.make_opsetid("", 13)])
    with pytest.raises(ValueError, match="expected at most 1048576 nodes, got 3221225471"):
        read_graph(calling(*(function(f"f{i}", f"f{i + 1}") for i in range(30)), relu), SIZE)
    with pytest.raises(ValueError, match="the function f0 calls itself"):
        read_graph(calling(function("f0", "f1"), function("f1", "f0")), SIZE)
