import numpy as np
import pytest
from onnx import TensorProto

from twoflow import CNNEmbedding
from twoflow.networks import get_card, open_session

from .nets import WIDTH, constant, layer_norm, node, squeeze_excitation, write

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
CLASSIFIER = constant("fc", np.random.default_rng(1).normal(size=(WIDTH, 3)))
FLAT = [node("Flatten", "pool", "flat"), node("MatMul", "flat fc", "out")]


def ints(name, values):
    return constant(name, values, np.int64)


def head(*nodes, constants=(), opset=13):
    """Describe a network from "map" to the vector "out", through a layer "pool" of shape (1, 6, 1, 1)."""
    return {"nodes": [*nodes, *FLAT], "constants": [CLASSIFIER, *constants], "opset": opset}


def vector_head(*nodes, constants=(), opset=13):
    """Describe a network from "map" to the vector "out", through a layer "pool" of shape (1, 6)."""
    return {
        "nodes": [*nodes, node("MatMul", "pool fc", "out")], "constants": [CLASSIFIER, *constants], "opset": opset,
    }


POOLS = {
    "GlobalAveragePool": head(node("GlobalAveragePool", "map", "pool")),
    "ReduceMean": head(node("ReduceMean", "map", "pool", axes=[2, 3])),
    "ReduceMean from the end": vector_head(node("ReduceMean", "map", "pool", axes=[-1, -2], keepdims=0)),
    "ReduceMean of opset 18": head(node("ReduceMean", "map axes", "pool"), constants=[ints("axes", [2, 3])], opset=18),
    "ReduceMean of a Constant": head(
        node("Constant", "", "axes", value=ints("", [3, 2])), node("ReduceMean", "map axes", "pool"), opset=18,
    ),
    "AveragePool": head(node("AveragePool", "map", "pool", kernel_shape=[4, 4])),
    "one side after the other": vector_head(
        node("ReduceMean", "map", "rows", axes=[3], keepdims=0),
        node("ReduceMean", "rows", "pool", axes=[2], keepdims=0),
    ),
    "one side after the other, kept": head(
        node("ReduceMean", "map", "rows", axes=[3]), node("ReduceMean", "rows", "pool", axes=[2]),
    ),
    "positions in one axis": vector_head(
        node("Reshape", "map shape", "tokens"), node("ReduceMean", "tokens", "pool", axes=[2], keepdims=0),
        constants=[ints("shape", [1, WIDTH, -1])],
    ),
    "channels last": vector_head(
        node("Transpose", "map", "last", perm=[0, 2, 3, 1]),
        node("ReduceMean", "last", "pool", axes=[1, 2], keepdims=0),
    ),
}


@pytest.mark.parametrize("network", POOLS.values(), ids=POOLS)
def test_pools_over_all_positions(tmp_path, network):
    path = write(tmp_path / "net.onnx", **network)
    outputs = open_session(path, ("map", "global_pool")).run(PIXELS)
    np.testing.assert_allclose(outputs["global_pool"], outputs["map"].mean(axis=(1, 2)), rtol=1e-5, atol=1e-7)
    assert outputs["global_pool"].shape == (WIDTH,)


def test_a_pool_of_rank_3(tmp_path):
    nodes = [node("Reshape", "map shape", "tokens"), node("GlobalAveragePool", "tokens", "pool")]
    path = write(tmp_path / "net.onnx", [*nodes, *FLAT], [ints("shape", [1, WIDTH, -1]), CLASSIFIER])
    outputs = open_session(path, ("flat", "pool", "global_pool")).run(PIXELS)
    np.testing.assert_array_equal(outputs["global_pool"], outputs["flat"])
    np.testing.assert_array_equal(outputs["pool"], outputs["flat"])


@pytest.mark.parametrize("reduce", ["GlobalAveragePool", "ReduceMean"])
def test_a_pool_after_gates_and_normalizations(tmp_path, reduce):
    """A gate and a normalization over positions come before the pool, a normalization over channels after it."""
    gate, gate_constants = squeeze_excitation("map", "gated", reduce)
    instance, instance_constants = layer_norm("gated", "normal", axes=(2, 3))
    last, last_constants = layer_norm("pool", "last", axes=(1,))
    nodes = [
        *gate, *instance, node("GlobalAveragePool", "normal", "pool"), *last, node("Flatten", "last", "flat"),
        node("MatMul", "flat fc", "out"),
    ]
    path = write(
        tmp_path / "net.onnx", nodes, [CLASSIFIER, *gate_constants, *instance_constants, *last_constants],
    )
    outputs = open_session(path, ("pool", "global_pool")).run(PIXELS)
    np.testing.assert_array_equal(outputs["global_pool"], outputs["pool"])


def tower():
    """Describe the end of a vision transformer: a class token among the positions, its normalization, a projection."""
    normal, constants = layer_norm("token", "normal")
    nodes = [
        node("Reshape", "map shape", "flat"), node("Transpose", "flat", "tokens", perm=[0, 2, 1]),
        node("Concat", "class tokens", "all", axis=1), node("MatMul", "mix all", "mixed"),
        node("Gather", "mixed zero", "token", axis=1), *normal, node("MatMul", "normal fc", "image_embeds"),
    ]
    return {"nodes": nodes, "outputs": ("image_embeds",), "constants": [
        ints("shape", [1, WIDTH, -1]), constant("class", np.ones((1, 1, WIDTH))), constant("mix", np.ones((17, 17))),
        ints("zero", 0), CLASSIFIER, *constants,
    ]}


def gated():
    gate, constants = squeeze_excitation("map", "out")
    return {"nodes": gate, "constants": constants}


def normalized():
    nodes, constants = layer_norm("map", "out", axes=(2, 3))
    return {"nodes": nodes, "constants": constants}


NO_POOLS = {
    "a tower": tower(),
    "a gate": gated(),
    "a normalization": normalized(),
    "a mean over channels": {"nodes": [node("ReduceMean", "map", "out", axes=[1], keepdims=1)]},
    "a mean over everything": {"nodes": [node("ReduceMean", "map", "out", axes=[1, 2, 3], keepdims=1)]},
    "a mean of some positions": {"nodes": [node("AveragePool", "map", "out", kernel_shape=[3, 3])]},
    "a mean with padding": {"nodes": [
        node("AveragePool", "map", "out", kernel_shape=[4, 4], pads=[1, 1, 1, 1], strides=[4, 4])]},
    "a mean of one channel": {
        "nodes": [node("Conv", "map one", "single"), node("GlobalAveragePool", "single", "out")],
        "constants": [constant("one", np.ones((1, WIDTH, 1, 1)))],
    },
    "two pools side by side": {"nodes": [
        node("GlobalAveragePool", "map", "mean"), node("GlobalMaxPool", "map", "max"),
        node("Concat", "mean max", "out", axis=1)]},
}


@pytest.mark.parametrize("network", NO_POOLS.values(), ids=NO_POOLS)
def test_networks_without_a_global_pool(tmp_path, network):
    path = write(tmp_path / "net.onnx", **network)
    assert "global_pool" not in get_card(path).layers
    with pytest.raises(ValueError, match="net.onnx has no layer 'global_pool', because no pool .*; name another layer"):
        CNNEmbedding(path, "global_pool").fit([PIXELS])
    assert CNNEmbedding(path).fit_transform([PIXELS]).shape[1] > 1


def test_the_output_decides_between_two_pools(tmp_path):
    """The pool of the first output is found, although the pool of the second one comes earlier in the graph."""
    nodes = [
        node("GlobalAveragePool", "map", "early"), node("Flatten", "early", "other"),
        node("Conv", "map mix", "last"), node("GlobalAveragePool", "last", "pool"), *FLAT,
        node("GlobalAveragePool", "map", "unused"),
    ]
    mix = constant("mix", np.random.default_rng(2).normal(size=(WIDTH, WIDTH, 1, 1)))
    path = write(tmp_path / "net.onnx", nodes, [CLASSIFIER, mix], outputs=("out", "other"))
    outputs = open_session(path, ("pool", "global_pool")).run(PIXELS)
    np.testing.assert_array_equal(outputs["global_pool"], outputs["pool"])


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.DOUBLE])
def test_a_pool_before_a_cast_to_a_type_that_no_layer_has(tmp_path, kind):
    nodes = [node("GlobalAveragePool", "map", "pool"), node("Flatten", "pool", "flat"),
             node("Cast", "flat", "out", to=kind)]
    path = write(tmp_path / "net.onnx", nodes)
    card = get_card(path)
    assert card.embedding == "global_pool" and "out" not in card.layers
    outputs = open_session(path, ("flat", "global_pool")).run(PIXELS)
    np.testing.assert_array_equal(outputs["global_pool"], outputs["flat"])
