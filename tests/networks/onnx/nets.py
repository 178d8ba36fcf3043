"""Write small ONNX networks of the kinds that exporters write, with random weights."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH = 6


def constant(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs.split(), [output], **attributes)


def write(path, nodes, constants=(), outputs=("out",), opset=13, card=True, side=8, seed=0):
    """Write a stem, the map "map" of 6 channels and 4 x 4 positions, and these nodes; return the path."""
    rng = np.random.default_rng(seed)
    stem = rng.normal(size=(WIDTH, 3, side // 4, side // 4))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node("Conv", "images stem.w", "stem", strides=[side // 4] * 2), node("Relu", "stem", "map"), *nodes], "net",
        [value("images", TensorProto.FLOAT, (1, 3, side, side))],
        [value(output, TensorProto.FLOAT, None) for output in outputs], [constant("stem.w", stem), *constants],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    if card:
        path.with_suffix(".card.json").write_text(json.dumps({"mean": 127, "scale": 64}))
    return path


def plain(path, seed=0):
    """Write a network that ends with its global pool, "out"."""
    return write(path, [node("GlobalAveragePool", "map", "pool"), node("Flatten", "pool", "out")], seed=seed)


def layer_norm(x, output, axes=(-1,)):
    """Return nodes and constants of a normalization, as exporters write it for opsets before 17."""
    nodes = [
        node("ReduceMean", x, f"{output}.mean", axes=list(axes), keepdims=1),
        node("Sub", f"{x} {output}.mean", f"{output}.centered"),
        node("Mul", f"{output}.centered {output}.centered", f"{output}.squared"),
        node("ReduceMean", f"{output}.squared", f"{output}.variance", axes=list(axes), keepdims=1),
        node("Add", f"{output}.variance {output}.epsilon", f"{output}.positive"),
        node("Sqrt", f"{output}.positive", f"{output}.deviation"),
        node("Div", f"{output}.centered {output}.deviation", output),
    ]
    return nodes, [constant(f"{output}.epsilon", 1e-5)]


def squeeze_excitation(x, output, reduce="GlobalAveragePool"):
    """Return nodes and constants of a gate on the channels of a map."""
    nodes = [
        node(reduce, x, f"{output}.squeeze", **({"axes": [2, 3]} if reduce == "ReduceMean" else {})),
        node("Conv", f"{output}.squeeze {output}.w", f"{output}.excite"),
        node("Sigmoid", f"{output}.excite", f"{output}.gate"),
        node("Mul", f"{x} {output}.gate", output),
    ]
    return nodes, [constant(f"{output}.w", np.eye(WIDTH)[:, :, None, None])]
