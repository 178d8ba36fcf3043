"""MXNet itself, an extra: run networks with it, and compare the converted networks with it."""

import pickle
import sys
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone

from twoflow import CNNEmbedding
from twoflow.networks import get_card, open_session
from twoflow.networks.content import read_content
from twoflow.networks.mxnet.engine import load_mxnet
from twoflow.networks.mxnet.params import read_params

from ...lanes import unavailable
from .files import network, write

# MXNet imports sparse matrices from the place where scipy had them.
pytestmark = pytest.mark.filterwarnings("ignore:Please import .* from the .scipy.sparse. namespace:DeprecationWarning")
PREPROCESSING = {"mean": 117, "scale": 60}
SIZE = (13, 11)


@pytest.fixture(scope="module")
def mx():
    try:
        return load_mxnet()
    except ModuleNotFoundError as error:
        unavailable(str(error))


def draw_image(size):
    return np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)


def assert_agree(path, size, n_layers=None):
    """Compare both engines at every layer, to within 1e-4 of the largest value that MXNet gives there."""
    preprocessing = {**PREPROCESSING, "input_size": size}
    layers = tuple(get_card(path, preprocessing).layers)
    assert n_layers is None or len(layers) == n_layers
    ours, theirs = (
        open_session(path, layers, preprocessing=preprocessing, engine=engine).run(draw_image(size))
        for engine in ("onnxruntime", "mxnet")
    )
    for layer in layers:
        most = np.abs(theirs[layer]).max()
        assert np.isfinite(most) and most > 0, layer
        np.testing.assert_allclose(ours[layer], theirs[layer], rtol=0, atol=1e-4 * most, err_msg=layer)


@pytest.mark.parametrize(
    "name, size",
    [
        ("resnet18_v1", 224), ("resnet18_v2", 224), ("resnet50_v2", 224), ("inception_v3", 299), ("mobilenet0_25", 224),
        ("mobilenet_v2_0_25", 224), ("squeezenet1_0", 224), ("squeezenet1_1", 224), ("densenet121", 224),
    ],
)
def test_the_model_zoo(mx, tmp_path, name, size):
    """The networks are saved by MXNet, with random weights that keep values from vanishing."""
    mx.random.seed(0)
    np.random.seed(0)  # MXNet's initializers draw from it
    net = getattr(mx.gluon.model_zoo.vision, name)()
    net.initialize(mx.init.Xavier(rnd_type="gaussian", magnitude=2))
    net.hybridize()
    net(mx.nd.zeros((1, 3, size, size)))
    for parameter_name, parameter in net.collect_params(".*(running_mean|running_var|beta|gamma)").items():
        low = -0.5 if parameter_name.endswith(("mean", "beta")) else 0.5
        parameter.set_data(mx.nd.random.uniform(low, low + 1, parameter.shape))
    net.export(str(tmp_path / "net"), epoch=7)
    assert_agree(tmp_path, (size, size))


def activations(x, mx):
    """Return every kind of activation of the same map."""
    kinds = [mx.sym.Activation(x, act_type=kind, name=kind)
             for kind in ("relu", "sigmoid", "tanh", "softrelu", "softsign")]
    kinds += [mx.sym.LeakyReLU(x, act_type=kind, name=f"leaky_{kind}")
              for kind in ("leaky", "elu", "selu", "prelu", "rrelu")]
    return kinds + [mx.sym.LeakyReLU(x, slope=0.1, name="slope"), mx.sym.relu(x), mx.sym.sigmoid(x), mx.sym.tanh(x),
                    mx.sym.clip(x, -0.5, 1)]


def arithmetic(x, mx):
    y = mx.sym.tanh(x, name="y")
    gate = mx.sym.Pooling(x, global_pool=True, kernel=(1, 1), pool_type="avg", name="gate")
    return [x + y, x * y, mx.sym.add_n(x, y, x), mx.sym.broadcast_add(x, gate), mx.sym.broadcast_mul(x, gate), x + 2,
            x - 2, x * 3, x / 4, mx.sym.BlockGrad(x), mx.sym.identity(x), mx.sym.Dropout(x, p=0.5),
            mx.sym.LRN(x, nsize=3, alpha=0.3, beta=0.5, knorm=1), mx.sym.LRN(x, nsize=5)]


def convolutions(x, mx):
    options = [
        {"kernel": (3, 3)}, {"kernel": (3, 2), "stride": (2, 1), "pad": (1, 2)}, {"kernel": (1, 1), "no_bias": True},
        {"kernel": (2, 3), "dilate": (2, 3), "pad": (2, 0)}, {"kernel": (3, 3), "num_group": 2},
    ]
    return [mx.sym.Convolution(x, num_filter=6, name=f"c{i}", **each) for i, each in enumerate(options)]


def norms(x, mx):
    """Return batch normalizations that can be folded into a convolution and that cannot, with gamma and without."""
    kinds = [{"fix_gamma": True}, {"fix_gamma": False}, {"fix_gamma": False, "eps": 1e-5}, {}]
    alone = [mx.sym.BatchNorm(x, name=f"norm{i}", **each) for i, each in enumerate(kinds)]
    convolved = [mx.sym.Convolution(x, num_filter=3, kernel=(1, 1), no_bias=i % 2 == 0, name=f"before{i}")
                 for i in range(len(kinds))]
    return alone + [mx.sym.BatchNorm(each, name=f"after{i}", **kind)
                    for i, (each, kind) in enumerate(zip(convolved, kinds))]


def pools(x, mx):
    windows = [{"kernel": (3, 3), "stride": (2, 2)}, {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1)},
               {"kernel": (2, 3), "stride": (2, 1), "pad": (0, 1)}, {"kernel": (4, 4), "stride": (3, 3), "pad": (1, 1)}]
    kinds = [{"pool_type": "max"}, {"pool_type": "sum"}, {"pool_type": "avg"},
             {"pool_type": "avg", "count_include_pad": False}]
    found = [mx.sym.Pooling(x, pooling_convention=rounding, **window, **kind)
             for rounding in ("valid", "full") for window in windows for kind in kinds]
    return found + [mx.sym.Pooling(x, global_pool=True, kernel=(2, 2), pool_type=kind)
                    for kind in ("max", "sum", "avg")]


def heads(x, mx):
    flat = mx.sym.Flatten(x)
    dense = [mx.sym.FullyConnected(each, num_hidden=5, no_bias=no_bias, name=f"dense{i}{no_bias:d}")
             for i, each in enumerate((x, flat)) for no_bias in (False, True)]
    return [flat, *dense, mx.sym.SoftmaxOutput(dense[0], name="softmax"), mx.sym.softmax(dense[1]),
            mx.sym.SoftmaxActivation(dense[2]), mx.sym.LogisticRegressionOutput(dense[3], name="logistic"),
            mx.sym.LinearRegressionOutput(dense[0], name="linear"), mx.sym.MAERegressionOutput(dense[0], name="mae"),
            mx.sym.concat(x, mx.sym.tanh(x)), mx.sym.concat(dense[0], dense[1])]


@pytest.mark.parametrize("build", [activations, arithmetic, convolutions, norms, pools, heads])
def test_every_operator(mx, tmp_path, build):
    """MXNet builds and saves the graph; its outputs are all of one kind."""
    x = mx.sym.Convolution(mx.sym.var("data"), kernel=(1, 1), num_filter=4, name="first")
    symbol = mx.sym.Group(build(x, mx))
    rng = np.random.default_rng(0)
    shapes, _, auxiliary_shapes = symbol.infer_shape(data=(1, 3, *reversed(SIZE)))
    arguments, auxiliary = (
        {name: mx.nd.array(rng.uniform(0.1, 1, shape) * (1 if name.endswith("var") else rng.choice([-1, 1], shape)))
         for name, shape in zip(names, of_names) if name != "data" and not name.endswith("label")}
        for names, of_names in ((symbol.list_arguments(), shapes),
                                (symbol.list_auxiliary_states(), auxiliary_shapes))
    )
    mx.model.save_checkpoint(str(tmp_path / "net"), 3, symbol, arguments, auxiliary)
    assert_agree(tmp_path, SIZE)


@pytest.mark.filterwarnings("ignore::twoflow.networks.mxnet.symbol.SymbolWarning")
def test_the_paper_s_network(mx, inception_bn):
    assert_agree(inception_bn, (224, 224), n_layers=233)


@pytest.mark.filterwarnings("ignore::twoflow.networks.mxnet.symbol.SymbolWarning")
def test_files_from_before_december_2015(mx, tmp_path):
    """MXNet would read them with today's defaults; the engine gives it repaired files."""
    rng = np.random.default_rng(0)
    operators = (
        ("BatchNorm", "norm", {}, ["data", "gamma", "beta"]),
        ("Pooling", "pool", {"kernel": (2, 2), "stride": (2, 2)}, ["norm"]),
        ("ElementWiseSum", "sum", {"num_args": 2}, ["pool", "pool"]),
    )
    arrays = {name: rng.uniform(0.5, 1.5, 3).astype(np.float32)
              for name in ("gamma", "beta", "norm_moving_mean", "norm_moving_var")}
    write(tmp_path, network(*operators, key="param", n_inputs=2, version=None), arrays)
    assert_agree(tmp_path, SIZE)
    preprocessing = {**PREPROCESSING, "input_size": SIZE}
    pooled = open_session(tmp_path, ("pool",), preprocessing=preprocessing, engine="mxnet").run(draw_image(SIZE))
    assert pooled["pool"].shape == (3, 6, 7)  # rounded up


@pytest.mark.parametrize("with_numpy_shapes", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool"])
def test_parameters_that_mxnet_writes(mx, tmp_path, dtype, with_numpy_shapes):
    values = np.random.default_rng(0).integers(0, 100, (2, 3, 4)).astype(dtype)
    with mx.util.np_shape(with_numpy_shapes):  # True: the layout of today, V3
        mx.nd.save(str(tmp_path / "net"), {"arg:a": mx.nd.array(values, dtype=dtype), "aux:b": mx.nd.ones((5,))})
    found = read_params(read_content(tmp_path / "net"))
    assert found["a"].dtype == values.dtype
    np.testing.assert_array_equal(found["a"], values)
    np.testing.assert_array_equal(found["b"], np.ones(5, np.float32))


OPERATORS = (
    ("Convolution", "conv", {"kernel": (1, 1), "num_filter": 4, "no_bias": True}, ["data", "w"]),
    ("Pooling", "embedding", {"global_pool": True, "kernel": (1, 1), "pool_type": "avg"}, ["conv"]),
)


@pytest.fixture
def folder(tmp_path):
    weights = {"w": np.random.default_rng(0).normal(size=(4, 3, 1, 1)).astype(np.float32)}
    write(tmp_path, network(*OPERATORS), weights, card={**PREPROCESSING, "input_size": SIZE})
    return tmp_path


def test_embedding(mx, folder, shop):
    make = partial(CNNEmbedding, folder, engine="mxnet")
    features = make().fit_transform(shop)
    np.testing.assert_allclose(features, CNNEmbedding(folder).fit_transform(shop), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clone(make(n_jobs=2)).fit(shop))).transform(shop), features)
    np.testing.assert_allclose(make("conv").fit_transform(shop), features, rtol=1e-4, atol=1e-4)


def test_an_error_of_mxnet_is_one_line(mx, folder):
    from twoflow.networks.mxnet import MXNetForward
    from twoflow.networks.network import Checkpoint

    symbol = write(folder, network(("NoSuchOperator", "x", {}, ["data"])), {}, prefix="other")
    files = [read_content(symbol), read_content(folder / "other-0001.params")]
    with pytest.raises(ValueError, match="other-symbol.json: MXNet cannot run it: .*NoSuchOperator") as caught:
        MXNetForward(Checkpoint(symbol, lambda: files, "data", {"x": "x"}), SIZE, ["x"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("engine, message", [("mxnet", "expected an MXNet network, got efficientnet-lite0"),
                                             ("torch", "'engine' parameter")])
def test_engines_that_do_not_fit(engine, message, shop):
    with pytest.raises(ValueError, match=message):
        CNNEmbedding(engine=engine).fit(shop)
    with pytest.raises(ValueError, match=message):
        CNNEmbedding(engine=engine).transform(shop)


def test_without_mxnet(folder, shop, monkeypatch):
    monkeypatch.setitem(sys.modules, "mxnet", None)
    with pytest.raises(ModuleNotFoundError, match=r'engine="mxnet" needs MXNet .*pip install "twoflow\[mxnet\]"'):
        CNNEmbedding(folder, engine="mxnet").fit(shop)
    assert CNNEmbedding(folder).fit_transform(shop).shape == (len(shop), 4)
