import json
import os
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from twoflow import CNNEmbedding, FlowUnion
from twoflow.evaluation.methods import make_methods
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


def test_preprocessing_is_given_or_on_the_card(tmp_path):
    path = make(tmp_path, card=None)
    with pytest.raises(ValueError, match=r"nothing says how images enter it .*net.card.json beside it"):
        CNNEmbedding(path).fit([PIXELS])
    preprocessing = {"input_size": (8, 8), "mean": [100, 0, 0], "scale": 50, "channels": "BGR"}
    found = clone(CNNEmbedding(path, preprocessing=preprocessing)).fit_transform([PIXELS])[0]
    (tmp_path / "net.card.json").write_text(json.dumps({**CARD, "mean": [100, 0, 0], "channels": "BGR"}))
    np.testing.assert_array_equal(embed(path), found)
    maps = np.einsum("oc,hwc->ohw", WEIGHT[:, :, 0, 0], (PIXELS[:, :, ::-1] - np.array([100.0, 0, 0])) / 50)
    expected = maps.reshape(4, 4, 2, 4, 2).max(axis=(2, 4)).mean(axis=(1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_it_is_a_flow_like_any_other(tmp_path):
    path = make(tmp_path)
    flow = pickle.loads(pickle.dumps(CNNEmbedding(path, "conv", pooling="max").fit([PIXELS])))
    union = FlowUnion([("a", flow), ("b", CNNEmbedding(path))]).fit([PIXELS])
    assert union.transform([PIXELS]).shape == (1, 8)
    np.testing.assert_array_equal(union.transform([PIXELS])[0, 4:], embed(path))


def test_rows_of_any_network(tmp_path, shop):
    rows = make_methods(["cnn", "cnn:small"], network=str(make(tmp_path)))
    for row in rows.values():
        assert row.fit(shop.images, shop.labels).predict(shop.images[:2]).shape == (2,)
    assert list(make_methods(["all"], network=str(tmp_path))) == list(make_methods(["all"], "inception-bn"))[:-3]


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"men": 1}, "there is no field 'men'; the fields are name"),
        ({"mean": "117"}, "mean is '117', where a number"),
        ({"mean": [1, 2]}, "one for each of three"),
        ({"scale": 0}, "a positive number"),
        ({"scale": float("nan")}, "a positive number"),
        ({"channels": "GBR"}, '"RGB" or "BGR"'),
        ({"input_size": [0, 8]}, r"\[width, height\]"),
        ({"input_size": [10**9, 8]}, r"\[width, height\]"),
        ([1], "a card is a table"),
    ],
)
def test_cards_are_checked(tmp_path, fields, message):
    path = make(tmp_path, card=fields)
    with pytest.raises(ValueError, match=f"net.card.json: .*{message}"):
        get_card(path)
    if isinstance(fields, dict):
        with pytest.raises(ValueError, match=f"preprocessing: .*{message}"):
            get_card(path, fields)


def test_a_card_that_is_no_json(tmp_path):
    path = make(tmp_path)
    (tmp_path / "net.card.json").write_text("{mean}")
    with pytest.raises(ValueError, match="net.card.json is no JSON"):
        get_card(path)


def test_another_size_than_that_of_its_time(tmp_path):
    dense = ("FullyConnected", "fc", {"num_hidden": 2, "no_bias": True}, ["data", "w"])
    path = write(tmp_path, network(dense), {"w": np.ones((2, 3 * 8 * 8), np.float32)}, card={"mean": 0, "scale": 1})
    with pytest.raises(ValueError, match="at 224 x 224 pixels, because net.card.json gives no input_size"):
        get_card(path)
    assert get_card(path, {"input_size": [8, 8]}).layers["fc"].width == 2


def test_what_is_missing_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"0 files \*-symbol.json"):
        get_card(tmp_path)
    with pytest.raises(ValueError, match="there is no file"):
        get_card(tmp_path / "net-symbol.json")
    path = make(tmp_path)
    make(tmp_path, prefix="other")
    with pytest.raises(ValueError, match=r"2 files \*-symbol.json \(net-symbol.json, other-symbol.json\): name one"):
        get_card(tmp_path)
    (tmp_path / "net-0001.params").unlink()
    with pytest.raises(ValueError, match="needs its parameters, net-EPOCH.params, beside it"):
        get_card(path)
    (tmp_path / "other-symbol.json").unlink()
    with pytest.raises(ValueError, match="needs its graph, other-symbol.json, beside it"):
        get_card(tmp_path / "other-0001.params")
    (tmp_path / "text.json").write_text("{}")
    with pytest.raises(ValueError, match="is none of NAME.onnx, PREFIX-symbol.json"):
        get_card(tmp_path / "text.json")


def test_preprocessing_of_a_network_that_has_a_card():
    with pytest.raises(ValueError, match="preprocessing is for files"):
        get_card("inception-bn", {"mean": 0})


def test_the_nearest_layers_are_given(tmp_path):
    with pytest.raises(ValueError, match="has no layer 'smal'; its layers are global_pool, conv, small, embedding"):
        CNNEmbedding(make(tmp_path), "smal").fit([PIXELS])
    many = [("relu", f"relu{i}", {}, ["data" if i == 0 else f"relu{i - 1}"]) for i in range(30)]
    path = write(tmp_path, network(*many), {}, prefix="many", card=CARD)
    with pytest.raises(ValueError, match="did you mean relu2.* lists all 30"):
        CNNEmbedding(path, "relu_2").fit([PIXELS])


def test_the_gate_of_a_block_is_no_global_pool(tmp_path):
    """Squeeze-and-excitation pools over all positions, too, for a factor that the map is multiplied by."""
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
    with pytest.raises(ValueError, match="has no layer 'global_pool': .* name a layer: gated, conv, squeeze, excite"):
        embed(path)


@pytest.mark.parametrize("name", ["net.onnx", "net.card.json", "net-symbol.json", "net-0002.params"])
def test_a_pipe_is_no_file(tmp_path, name):
    """Opening one would wait for ever."""
    path = make(tmp_path)
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match=f"no file .*{name}|{name} cannot be read: .*a named pipe, not a regu"):
        get_card(tmp_path / name if name.endswith(("onnx", "symbol.json")) else path)


@pytest.mark.parametrize("name, message", [
    ("net.card.json", r"over the limit of 1048576 bytes"),
    ("net-symbol.json", r"over the limit of 67108864 bytes"),
    ("net-0001.params", r"over the limit of 2147483648 bytes"),
])
def test_files_that_are_too_large(tmp_path, name, message):
    path = make(tmp_path)
    os.truncate(tmp_path / name, 2**40)
    with pytest.raises(ValueError, match=message):
        get_card(path)


def test_names_in_a_file_reach_no_terminal(tmp_path):
    """Control characters of a layer's name, which a terminal would obey, are escaped; line breaks are spaces."""
    operators = [(*OPERATORS[0][:1], "a\x1b[31m\nb", *OPERATORS[0][2:])]
    path = write(tmp_path, network(*operators), {"w": WEIGHT}, card=CARD)
    with pytest.raises(ValueError, match=r"has no layer 'x'; its layers are a\\x1b\[31m b$"):
        embed(path, layer="x")
