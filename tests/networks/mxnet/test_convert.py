"""Compare every converted operator with plain numpy."""

import numpy as np
import pytest

from twoflow.networks import open_session
from twoflow.networks.catalog import get_card
from twoflow.networks.mxnet.convert import OPERATORS
from twoflow.networks.mxnet.shapes import SHAPES

from .files import network, write

WIDTH, HEIGHT = 13, 11
CARD = {"input_size": [WIDTH, HEIGHT], "mean": 128, "scale": 64}
PIXELS = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
X = (PIXELS.transpose(2, 0, 1).astype(np.float64) - 128) / 64


def draw(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def run(folder, operators, arrays=None, layers=None):
    """Return the output of the last operator, or of the given layers by name."""
    path = write(folder, network(*operators), arrays or {}, card=CARD)
    wanted = layers or (operators[-1][1],)
    outputs = open_session(path, tuple(wanted)).run(PIXELS)
    for layer in wanted:
        assert get_card(path).layers[layer].width == outputs[layer].shape[0]
    return outputs if layers else outputs[wanted[0]]


def assert_near(found, expected):
    np.testing.assert_allclose(found, np.reshape(expected, found.shape), rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def convolve(x, kernel, bias=None, stride=(1, 1), pad=(0, 0), dilate=(1, 1), groups=1):
    """Convolve as a sum over the positions of the kernel, each a strided view of the padded map."""
    x = np.pad(x, ((0, 0), (pad[0],) * 2, (pad[1],) * 2))
    reach = [(kernel.shape[2 + i] - 1) * dilate[i] for i in (0, 1)]
    rows, columns = ((x.shape[1 + i] - reach[i] - 1) // stride[i] + 1 for i in (0, 1))
    outputs = []
    for part, weights in zip(np.split(x, groups), np.split(kernel, groups)):
        total = np.zeros((len(weights), rows, columns))
        for i in range(kernel.shape[2]):
            for j in range(kernel.shape[3]):
                top, left = i * dilate[0], j * dilate[1]
                view = part[:, top:top + rows * stride[0]:stride[0], left:left + columns * stride[1]:stride[1]]
                total += np.einsum("oc,chw->ohw", weights[:, :, i, j], view[:, :rows, :columns])
        outputs.append(total)
    return np.concatenate(outputs) + (0 if bias is None else bias[:, None, None])


def pool(x, kind, kernel, stride, pad, full, count_padding):
    """Pool window by window, as MXNet's documentation says."""
    (height, width), rounding = x.shape[1:], np.ceil if full else np.floor
    rows, columns = (
        int(rounding((size + 2 * p - k) / s)) + 1 for size, k, s, p in zip((height, width), kernel, stride, pad)
    )
    out = np.empty((len(x), rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride[0] - pad[0], j * stride[1] - pad[1]
            bottom, right = min(top + kernel[0], height + pad[0]), min(left + kernel[1], width + pad[1])
            n_declared = (bottom - top) * (right - left)
            window = x[:, max(top, 0):min(bottom, height), max(left, 0):min(right, width)].reshape(len(x), -1)
            if kind == "max":
                out[:, i, j] = window.max(axis=1)
            else:
                divisor = 1 if kind == "sum" else n_declared if count_padding else window.shape[1]
                out[:, i, j] = window.sum(axis=1) / divisor
    return out


def test_both_tables_have_the_same_operators():
    assert set(OPERATORS) == set(SHAPES)


@pytest.mark.parametrize("no_bias", [False, True])
@pytest.mark.parametrize("stride, pad, dilate", [((1, 1), (0, 0), (1, 1)), ((2, 1), (1, 2), (1, 1)),
                                                 ((1, 2), (2, 0), (2, 3))])
@pytest.mark.parametrize("groups", [1, 3])
def test_convolution(tmp_path, no_bias, stride, pad, dilate, groups):
    kernel, bias = draw(6, 3 // groups, 3, 2), draw(6)
    attributes = {"kernel": (3, 2), "num_filter": 6, "stride": stride, "pad": pad, "dilate": dilate,
                  "num_group": groups, "no_bias": no_bias}
    inputs = ["data", "w"] + [] if no_bias else ["data", "w", "b"]
    found = run(tmp_path, [("Convolution", "c", attributes, inputs)], {"w": kernel, "b": bias})
    assert_near(found, convolve(X, kernel, None if no_bias else bias, stride, pad, dilate, groups))


@pytest.mark.parametrize("fix_gamma", [None, True, False])
@pytest.mark.parametrize("layers", [("norm",), ("norm", "conv"), ("norm", "also")])
def test_batch_norm_folded_and_not(tmp_path, fix_gamma, layers):
    """It is folded, unless the convolution is a wanted layer or another operator reads it."""
    arrays = {"w": draw(4, 3, 1, 1), "gamma": draw(4), "beta": draw(1, 4)[0], "mean": draw(2, 4)[0],
              "var": np.abs(draw(3, 4)[0]) + 0.5}
    operators = [
        ("Convolution", "conv", {"kernel": (1, 1), "num_filter": 4, "no_bias": True}, ["data", "w"]),
        ("relu", "also", {}, ["conv"]),
        ("BatchNorm", "norm", {} if fix_gamma is None else {"fix_gamma": fix_gamma},
         ["conv", "gamma", "beta", "mean", "var"]),
    ]
    outputs = run(tmp_path, operators, arrays, layers)
    linear = convolve(X, arrays["w"])
    gamma = arrays["gamma"] if fix_gamma is False else np.ones(4)
    scale = gamma / np.sqrt(arrays["var"] + 1e-3)
    expected = (linear - arrays["mean"][:, None, None]) * scale[:, None, None] + arrays["beta"][:, None, None]
    assert_near(outputs["norm"], expected)
    if "conv" in layers:
        assert_near(outputs["conv"], linear)
    if "also" in layers:
        assert_near(outputs["also"], np.maximum(linear, 0))


@pytest.mark.parametrize("kind", ["max", "avg", "sum"])
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("count_padding", [None, True, False])
@pytest.mark.parametrize("kernel, stride, pad", [((3, 3), (2, 2), (0, 0)), ((3, 3), (2, 2), (1, 1)),
                                                 ((2, 3), (2, 1), (0, 1)), ((4, 4), (3, 3), (1, 1))])
def test_pooling(tmp_path, kind, full, count_padding, kernel, stride, pad):
    attributes = {"kernel": kernel, "stride": stride, "pad": pad, "pool_type": kind,
                  "pooling_convention": "full" if full else "valid"}
    if count_padding is not None:
        attributes["count_include_pad"] = count_padding
    found = run(tmp_path, [("Pooling", "p", attributes, ["data"])])
    expected = pool(X, kind, kernel, stride, pad, full, count_padding is not False)
    assert found.shape == expected.shape
    assert_near(found, expected)


@pytest.mark.parametrize("kind, function", [("max", np.max), ("avg", np.mean), ("sum", np.sum)])
def test_the_global_pool_is_also_called_global_pool(tmp_path, kind, function):
    pools = [("Pooling", "last", {"global_pool": True, "kernel": (1, 1), "pool_type": kind}, ["data"])]
    found = run(tmp_path, pools, layers=("last", "global_pool"))
    assert_near(found["last"], function(X, axis=(1, 2)))
    assert (found["last"] == found["global_pool"]).all()


def elu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


SLOPES = draw(3)
UNARY = {
    "relu": (("Activation", {"act_type": "relu"}), lambda x: np.maximum(x, 0)),
    "sigmoid": (("Activation", {"act_type": "sigmoid"}), lambda x: 1 / (1 + np.exp(-x))),
    "tanh": (("Activation", {"act_type": "tanh"}), np.tanh),
    "softrelu": (("Activation", {"act_type": "softrelu"}), lambda x: np.log1p(np.exp(x))),
    "softsign": (("Activation", {"act_type": "softsign"}), lambda x: x / (1 + np.abs(x))),
    "leaky": (("LeakyReLU", {}), lambda x: np.where(x > 0, x, 0.25 * x)),
    "leaky slope": (("LeakyReLU", {"act_type": "leaky", "slope": 0.1}), lambda x: np.where(x > 0, x, 0.1 * x)),
    "elu": (("LeakyReLU", {"act_type": "elu", "slope": 0.5}), lambda x: elu(x, 0.5)),
    "selu": (("LeakyReLU", {"act_type": "selu"}), lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772)),
    "rrelu": (("LeakyReLU", {"act_type": "rrelu"}), lambda x: np.where(x > 0, x, 0.2295 * x)),
    "prelu": (("LeakyReLU", {"act_type": "prelu"}), lambda x: np.where(x > 0, x, SLOPES[:, None, None] * x)),
    "relu alone": (("relu", {}), lambda x: np.maximum(x, 0)),
    "sigmoid alone": (("sigmoid", {}), lambda x: 1 / (1 + np.exp(-x))),
    "tanh alone": (("tanh", {}), np.tanh),
    "logistic": (("LogisticRegressionOutput", {}), lambda x: 1 / (1 + np.exp(-x))),
    "dropout": (("Dropout", {"p": 0.5}), lambda x: x),
    "copy": (("_copy", {}), lambda x: x),
    "clip": (("clip", {"a_min": -0.5, "a_max": 1}), lambda x: np.clip(x, -0.5, 1)),
    "flatten": (("Flatten", {}), np.ravel),
    "plus": (("_plus_scalar", {"scalar": 2}), lambda x: x + 2),
    "minus": (("_MinusScalar", {"scalar": 2}), lambda x: x - 2),
    "times": (("_mul_scalar", {"scalar": -3}), lambda x: x * -3),
    "by": (("_div_scalar", {"scalar": 4}), lambda x: x / 4),
    "response": (
        ("LRN", {"nsize": 3, "alpha": 0.3, "beta": 0.5, "knorm": 1}),
        lambda x: x / (1 + 0.1 * convolve(x**2, np.eye(3)[:, :, None, None] + np.eye(3, k=1)[:, :, None, None]
                                          + np.eye(3, k=-1)[:, :, None, None])) ** 0.5,
    ),
}


@pytest.mark.parametrize("name", UNARY)
def test_operators_of_one_input(tmp_path, name):
    (op, attributes), function = UNARY[name]
    inputs = {"prelu": ["data", "slopes"], "logistic": ["data", "label"]}.get(name, ["data"])
    assert_near(run(tmp_path, [(op, "out", attributes, inputs)], {"slopes": SLOPES}), function(X))


@pytest.mark.parametrize("op", ["elemwise_add", "_Plus", "_plus", "ElementWiseSum", "add_n", "broadcast_add"])
def test_addition(tmp_path, op):
    operators = [("relu", "a", {}, ["data"]), ("tanh", "b", {}, ["data"]), (op, "sum", {}, ["a", "b"])]
    assert_near(run(tmp_path, operators), np.maximum(X, 0) + np.tanh(X))


def test_products_of_map_and_gate(tmp_path):
    operators = [("Pooling", "gate", {"global_pool": True, "pool_type": "avg"}, ["data"]),
                 ("broadcast_mul", "out", {}, ["data", "gate"])]
    assert_near(run(tmp_path, operators), X * X.mean(axis=(1, 2), keepdims=True))


@pytest.mark.parametrize("op", ["Concat", "concat"])
def test_concat(tmp_path, op):
    operators = [("relu", "a", {}, ["data"]), (op, "out", {"num_args": 2}, ["a", "data"])]
    assert_near(run(tmp_path, operators), np.concatenate([np.maximum(X, 0), X]))


@pytest.mark.parametrize("no_bias", [False, True])
@pytest.mark.parametrize("softmax", ["SoftmaxOutput", "Softmax", "SoftmaxActivation", "softmax"])
def test_dense_and_softmax(tmp_path, no_bias, softmax):
    weight, bias = draw(5, X.size) / 10, draw(5)
    operators = [
        ("FullyConnected", "fc", {"num_hidden": 5, "no_bias": no_bias}, ["data", "w"] + ["b"] * (not no_bias)),
        (softmax, "out", {}, ["fc", "label"] if softmax.endswith(("Output", "x")) and softmax[0] == "S" else ["fc"]),
    ]
    found = run(tmp_path, operators, {"w": weight, "b": bias}, layers=("fc", "out"))
    scores = weight @ X.ravel() + (0 if no_bias else bias)
    assert_near(found["fc"], scores)
    powers = np.exp(scores - scores.max())
    assert_near(found["out"], powers / powers.sum())


CONV = {"kernel": (3, 3), "num_filter": 4, "no_bias": True}


@pytest.mark.parametrize(
    "operators, arrays, message",
    [
        ([("RNN", "r", {}, ["data"]), ("Crop", "c", {}, ["r"])], {}, "not supported: Crop, RNN"),
        ([("Convolution", "c", CONV, ["data", "w"])], {}, "the values of its parameter .w. are missing"),
        ([("Convolution", "c", CONV, ["data", "w"])], {"w": draw(4, 3, 2, 2)},
         r"w: expected the shape \(4, 3, 3, 3\), got \(4, 3, 2, 2\)"),
        ([("Convolution", "c", CONV, ["data"])], {}, "too few for a Convolution"),
        ([("Convolution", "c", {**CONV, "num_group": 2}, ["data", "w"])], {}, "2 groups"),
        ([("Convolution", "c", {**CONV, "layout": "NHWC"}, ["data", "w"])], {}, "layout NCHW, got 'NHWC'"),
        ([("Convolution", "c", {**CONV, "kernel": (99, 99)}, ["data", "w"])], {"w": draw(4, 3, 99, 99)}, "a larger"),
        ([("Pooling", "p", {"kernel": (2, 2), "pad": (2, 2)}, ["data"])], {}, "window of padding only"),
        ([("Pooling", "p", {"kernel": (2, 2), "pool_type": "lp"}, ["data"])], {}, "max, avg or sum, got 'lp'"),
        ([("Pooling", "p", {"kernel": (2, 2), "pooling_convention": "same"}, ["data"])], {}, "'same'"),
        ([("Convolution", "c", {**CONV, "kernel": (1, 1), "pad": (30000, 30000)}, ["data", "w"])],
         {"w": draw(4, 3, 1, 1)}, "at most 268435456 values"),
        ([("Flatten", "f", {}, ["data"]), ("Concat", "c", {}, ["f", "data"])], {}, "inputs that join"),
        ([("Flatten", "f", {}, ["data"]), ("_Plus", "s", {}, ["f", "data"])], {}, "inputs that broadcast"),
        ([("Flatten", "f", {}, ["data"]), ("Pooling", "p", {}, ["f"])], {}, "expected a map"),
        ([("relu", "a", {}, ["data"]), ("relu", "b", {}, ["other"])], {}, "one input for images, got 2"),
        ([("relu", "a", {}, ["data"]), ("_Plus", "b", {}, ["a", "w"])], {"w": draw(3)}, "got the parameter 'w'"),
        ([("SoftmaxOutput", "s", {}, ["data", "label"])], {}, "softmax over a map"),
        ([("Activation", "a", {"act_type": "gelu"}, ["data"])], {}, "act_type of relu, .*, got 'gelu'"),
    ],
)
def test_the_error_names_what_is_not_supported(tmp_path, operators, arrays, message):
    with pytest.raises(ValueError, match=rf"net-symbol\.json.*({message})"):
        run(tmp_path, operators, arrays)


def test_hostile_sizes_are_refused_quickly(tmp_path):
    huge = {"kernel": (3, 3), "num_filter": 2**30, "no_bias": True}
    with pytest.raises(ValueError, match=r"w: expected the shape .*, got \(4, 3, 3, 3\)"):
        run(tmp_path, [("Convolution", "c", huge, ["data", "w"])], {"w": draw(4, 3, 3, 3)})
