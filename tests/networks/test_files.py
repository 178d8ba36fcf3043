import json
import os
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from twoflow import CNNEmbedding, FlowUnion
from twoflow.evaluation import make_methods
from twoflow.images import Fitting
from twoflow.networks import get_card, open_session

from .mxnet.files import network, write

CARD = {"input_size": [8, 8], "mean": 100, "scale": 50}
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
OPERATORS = (
    ("Convolution", "conv", {"kernel": (1, 1), "num_filter": 4, "no_bias": True}, ["data", "w"]),
    ("Pooling", "small", {"kernel": (2, 2), "stride": (2, 2)}, ["conv"]),
    ("Pooling", "embedding", {"global_pool": True, "pool_type": "avg"}, ["small"]),
)
WEIGHT = np.random.default_rng(1).normal(size=(4, 3, 1, 1)).astype(np.float32)


def make(folder, epoch=1, card=CARD, factor=1, prefix="net"):
    return write(folder, network(*OPERATORS), {"w": WEIGHT * factor}, prefix=prefix, epoch=epoch, card=card)


def embed(path, **parameters):
    return CNNEmbedding(path, **parameters).fit_transform([PIXELS])[0]


def test_folder_symbol_and_epoch(tmp_path):
    symbol = make(tmp_path, epoch=9)
    make(tmp_path, epoch=10, factor=2)
    newest = embed(symbol)
    assert newest.shape == (4,)
    np.testing.assert_array_equal(embed(str(tmp_path)), newest)
    np.testing.assert_array_equal(embed(tmp_path / "net-0010.params"), newest)
    np.testing.assert_allclose(embed(tmp_path / "net-0009.params"), newest / 2, rtol=1e-6)


def test_a_file_that_changes_is_read_again(tmp_path):
    path = make(tmp_path)
    card, before = get_card(path), embed(path)
    assert get_card(path) is card and open_session(path, ("small",)) is open_session(path, ("small",))
    make(tmp_path, epoch=2, factor=3)
    np.testing.assert_allclose(embed(path), before * 3, rtol=1e-6)
    make(tmp_path, epoch=2, factor=3, card={**CARD, "scale": 150})
    np.testing.assert_allclose(embed(path), before, rtol=1e-5)


def test_preprocessing_comes_from_the_argument_or_the_card(tmp_path):
    path = make(tmp_path, card=None)
    message = "nothing says how images enter it: input_size, mean, scale missing; write net.card.json"
    with pytest.raises(ValueError, match=message):
        CNNEmbedding(path).fit([PIXELS])
    preprocessing = {"input_size": (8, 8), "mean": [100, 0, 0], "scale": 50, "channels": "BGR"}
    found = clone(CNNEmbedding(path, preprocessing=preprocessing)).fit_transform([PIXELS])[0]
    (tmp_path / "net.card.json").write_text(json.dumps({**CARD, "mean": [100, 0, 0], "channels": "BGR"}))
    np.testing.assert_array_equal(embed(path), found)
    maps = np.einsum("oc,hwc->ohw", WEIGHT[:, :, 0, 0], (PIXELS[:, :, ::-1] - np.array([100.0, 0, 0])) / 50)
    expected = maps.reshape(4, 4, 2, 4, 2).max(axis=(2, 4)).mean(axis=(1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_network_in_files_works_in_pickles_and_unions(tmp_path):
    path = make(tmp_path)
    flow = pickle.loads(pickle.dumps(CNNEmbedding(path, "conv", pooling="max").fit([PIXELS])))
    union = FlowUnion([("a", flow), ("b", CNNEmbedding(path))]).fit([PIXELS])
    assert union.transform([PIXELS]).shape == (1, 8)
    np.testing.assert_array_equal(union.transform([PIXELS])[0, 4:], embed(path))


def test_methods_with_a_network_in_files(tmp_path, shop):
    methods = make_methods(["cnn", "cnn:small"], network=str(make(tmp_path)))
    for method in methods.values():
        assert method.fit(shop.images, shop.labels).predict(shop.images[:2]).shape == (2,)
    here, known = (list(make_methods(["all"], network=network)) for network in (str(tmp_path), "inception-bn"))
    assert here == known[:-3]


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"men": 1}, "expected only the fields name, .*, got 'men'"),
        ({"mean": "117"}, "mean: expected a number up to .*, got '117'"),
        ({"mean": [1, 2]}, "one for each of three"),
        ({"mean": 1e300}, "mean: expected a number up to 1e6, .*, got 1e.300"),
        ({"mean": 10**400}, "mean: expected a number up to 1e6, .*, got 1000"),
        ({"scale": 0}, "a number from 1e-6 to 1e6"),
        ({"scale": 1e-300}, "a number from 1e-6 to 1e6"),
        ({"scale": float("nan")}, "a number from 1e-6 to 1e6"),
        ({"channels": "GBR"}, '"RGB" or "BGR"'),
        ({"input_size": [0, 8]}, r"\[width, height\]"),
        ({"input_size": [10**9, 8]}, r"\[width, height\]"),
        ({"fit": "squash"}, "fit: expected one of stretch, crop, pad, area, got 'squash'"),
        ({"filter": "cubic"}, "filter: expected one of nearest, box, bilinear, bicubic, lanczos, got 'cubic'"),
        ({"filter": ["box"]}, "filter: expected one of"),
        ({"resize_size": [256]}, r"\[width, height\]"),
        ({"pad_color": [0, 0, 256]}, "three integers from 0 to 255"),
        ({"pad_color": [0.0, 0, 0]}, "three integers from 0 to 255"),
        ({"pad_color": [0, 0, 0], "fit": "crop"}, 'expected fit "pad" with a pad_color, got "crop"; leave one'),
        ({"rounding": "up"}, "one of down, even"),
        ({"prefix_tokens": -1}, "an integer from 0 to 4096"),
        ({"prefix_tokens": True}, "an integer from 0 to 4096"),
        ({"patch_size": 0}, "an integer from 1 to 4096"),
        ({"output": ""}, "output: expected a text"),
        ({"stages": "map"}, "stages: expected a list of different texts, got 'map'"),
        ({"stages": ["map", "map"]}, "stages: expected a list of different texts"),
        ({"n_classes": 1000.0}, "a positive integer"),
        ([1], "expected a table of fields, got list"),
    ],
)
def test_cards_are_checked(tmp_path, fields, message):
    path = make(tmp_path, card=fields)
    with pytest.raises(ValueError, match=f"net.card.json: .*{message}"):
        get_card(path)
    if isinstance(fields, dict):
        with pytest.raises(ValueError, match=f"preprocessing: .*{message}"):
            get_card(path, fields)


def test_a_field_that_a_card_has_twice(tmp_path):
    path = make(tmp_path)
    (tmp_path / "net.card.json").write_text('{"mean": 0, "scale": 255, "mean": 127}')
    with pytest.raises(ValueError, match="net.card.json: expected each field once, got 'mean' twice; remove one"):
        get_card(path)


def test_a_card_that_is_no_json(tmp_path):
    path = make(tmp_path)
    (tmp_path / "net.card.json").write_text("{mean}")
    with pytest.raises(ValueError, match="net.card.json: expected a card in JSON"):
        get_card(path)


def test_a_network_that_does_not_take_the_usual_size(tmp_path):
    dense = ("FullyConnected", "fc", {"num_hidden": 2, "no_bias": True}, ["data", "w"])
    path = write(tmp_path, network(dense), {"w": np.ones((2, 3 * 8 * 8), np.float32)}, card={"mean": 0, "scale": 1})
    with pytest.raises(ValueError, match="tried at 224 x 224 pixels, because net.card.json gives no input_size"):
        get_card(path)
    assert get_card(path, {"input_size": [8, 8]}).layers["fc"].width == 2


def test_the_error_names_the_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r"expected an .onnx file or one \*-symbol.json in it, got neither"):
        get_card(tmp_path)
    with pytest.raises(ValueError, match="there is no file"):
        get_card(tmp_path / "net-symbol.json")
    path = make(tmp_path)
    make(tmp_path, prefix="other")
    with pytest.raises(ValueError, match=r"got 2 files \(net-symbol.json, other-symbol.json\); name the file"):
        get_card(tmp_path)
    (tmp_path / "net-0001.params").unlink()
    with pytest.raises(ValueError, match="its parameters are missing; put net-EPOCH.params next to it"):
        get_card(path)
    (tmp_path / "other-symbol.json").unlink()
    with pytest.raises(ValueError, match="its graph is missing; put other-symbol.json next to it"):
        get_card(tmp_path / "other-0001.params")
    (tmp_path / "text.json").write_text("{}")
    with pytest.raises(ValueError, match="text.json: expected NAME.onnx, PREFIX-symbol.json, .* got text.json"):
        get_card(tmp_path / "text.json")


def test_preprocessing_of_a_network_that_has_a_card():
    with pytest.raises(ValueError, match="expected no preprocessing, .* got mean; preprocessing is for networks in f"):
        get_card("inception-bn", {"mean": 0})


def test_the_error_gives_the_nearest_layers(tmp_path):
    with pytest.raises(ValueError, match="has no layer 'smal'; its layers are global_pool, conv, small, embedding"):
        CNNEmbedding(make(tmp_path), "smal").fit([PIXELS])
    many = [("relu", f"relu{i}", {}, ["data" if i == 0 else f"relu{i - 1}"]) for i in range(30)]
    path = write(tmp_path, network(*many), {}, prefix="many", card=CARD)
    with pytest.raises(ValueError, match="did you mean relu2.* lists all 30"):
        CNNEmbedding(path, "relu_2").fit([PIXELS])


def test_the_gate_of_a_block_is_no_global_pool(tmp_path):
    """Squeeze-and-excitation also pools over all positions, to compute a factor for the map."""
    arrays = {"w": WEIGHT, "s": np.eye(4, dtype=np.float32)[:, :, None, None]}
    gated = [
        OPERATORS[0],
        ("Pooling", "squeeze", {"global_pool": True, "pool_type": "avg"}, ["conv"]),
        ("Convolution", "excite", {"kernel": (1, 1), "num_filter": 4, "no_bias": True}, ["squeeze", "s"]),
        ("broadcast_mul", "gated", {}, ["conv", "excite"]),
    ]
    pool = ("Pooling", "embedding", {"global_pool": True, "pool_type": "avg"}, ["gated"])
    path = write(tmp_path, network(*gated, pool), arrays, card=CARD)
    np.testing.assert_array_equal(embed(path), embed(path, layer="embedding"))
    path = write(tmp_path, network(*gated), arrays, card=CARD)
    with pytest.raises(ValueError, match="expected an output that is a vector or a map of the image, got none"):
        embed(path)
    with pytest.raises(ValueError, match="no layer 'global_pool', .* name another layer: gated, conv, squeeze, excite"):
        embed(path, layer="global_pool")


@pytest.mark.parametrize("name", ["net.onnx", "net.card.json", "net-symbol.json", "net-0002.params"])
def test_a_pipe_is_no_file(tmp_path, name):
    """Opening a named pipe would wait for ever."""
    path = make(tmp_path)
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match=f"no file .*{name}|{name} cannot be read: .*a named pipe, not a regu"):
        get_card(tmp_path / name if name.endswith(("onnx", "symbol.json")) else path)


@pytest.mark.parametrize("name, message", [
    ("net.card.json", "expected at most 8388608 bytes, got 1099511627776"),
    ("net-symbol.json", "expected at most 67108864 bytes, got 1099511627776"),
    ("net-0001.params", "expected at most 2147483648 bytes, got 1099511627776"),
])
def test_files_that_are_too_large(tmp_path, name, message):
    path = make(tmp_path)
    os.truncate(tmp_path / name, 2**40)
    with pytest.raises(ValueError, match=message):
        get_card(path)


def test_control_characters_of_a_layer_s_name_are_escaped(tmp_path):
    """A terminal would obey them. Line breaks become spaces."""
    operators = [(*OPERATORS[0][:1], "a\x1b[31m\nb", *OPERATORS[0][2:])]
    path = write(tmp_path, network(*operators), {"w": WEIGHT}, card=CARD)
    with pytest.raises(ValueError, match=r"has no layer 'x'; its layers are a\\x1b\[31m b$"):
        embed(path, layer="x")


@pytest.mark.parametrize("fields", [{"resize_size": [7, 8]}, {"resize_size": [8, 7], "fit": "crop"}])
def test_an_image_must_be_resized_to_the_input_size(tmp_path, fields):
    path = make(tmp_path, card={"input_size": [8, 8], "mean": 0, "scale": 255})
    with pytest.raises(ValueError, match="net.*: expected a resize_size of at least 8 x 8, the input_size, got [78] x"):
        get_card(path, fields)
    assert get_card(path, {**fields, "fit": "pad"}).fitting.resize_size == tuple(fields["resize_size"])


def test_a_network_in_a_file_takes_images_of_one_size(tmp_path):
    path = make(tmp_path, card={"input_size": [8, 8], "mean": 0, "scale": 255})
    with pytest.raises(ValueError, match='expected fit "stretch", "crop" or "pad" of a network in files, got "area"'):
        get_card(path, {"fit": "area"})


def test_how_an_image_enters_is_on_the_card(tmp_path):
    fields = {"input_size": [8, 6], "mean": 0, "scale": 255, "fit": "pad", "filter": "lanczos", "rounding": "even",
              "resize_size": [10, 8], "pad_color": [1, 2, 3]}
    expected = Fitting((8, 6), "pad", "lanczos", (10, 8), (1, 2, 3), "even")
    assert get_card(make(tmp_path, card=fields)).fitting == expected
    assert get_card(make(tmp_path, card={"mean": 0, "scale": 1}), {"fit": "crop", "input_size": (8, 6)}).fitting == (
        Fitting((8, 6), "crop")
    )
