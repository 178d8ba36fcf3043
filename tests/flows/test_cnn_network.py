"""A fitted embedding keeps to its network: another one at the same path is refused, in the middle of a run too."""

import json
import pickle
import shutil

import numpy as np
import onnx
import pytest
from joblib import parallel_config
from sklearn.base import clone

from twoflow import CNNEmbedding, FlowUnion, RawPixels, make_model
from twoflow.flows.engine.extraction import extract
from twoflow.flows.engine.fingerprint import fingerprint
from twoflow.networks import NetworkOutputError
from twoflow.networks import network as network_module
from twoflow.networks import open_session
from twoflow.store import FeatureStore

from ..networks.mxnet.files import network as mxnet_network
from ..networks.mxnet.files import write as write_mxnet
from ..networks.onnx.nets import constant, node, plain, write

IMAGES = list(np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), np.uint8))
CARD = {"mean": 127, "scale": 64}


def checkpoint(folder, seed):
    """An MXNet network in two files."""
    operators = [
        ("Convolution", "conv", {"kernel": (1, 1), "num_filter": 4, "no_bias": True}, ["data", "w"]),
        ("Pooling", "pool", {"global_pool": True, "pool_type": "avg"}, ["conv"]),
    ]
    weight = np.random.default_rng(seed).normal(size=(4, 3, 1, 1)).astype(np.float32)
    return write_mxnet(folder, mxnet_network(*operators), {"w": weight}, card={**CARD, "input_size": [8, 8]})


MAKERS = {"onnx": lambda folder, seed: plain(folder / "net.onnx", seed), "mxnet": checkpoint}


@pytest.fixture(params=MAKERS)
def make(request, tmp_path):
    """Writes a network, always to the same path, which it returns; other weights for another seed."""
    return lambda seed: MAKERS[request.param](tmp_path, seed)


def test_what_a_fitted_flow_remembers(make):
    path = make(0)
    flow = CNNEmbedding(path).fit(IMAGES)
    assert all(len(digest) == 64 for digest in flow.network_digest_.split()) and flow.network_card_.mean == 127
    again = pickle.loads(pickle.dumps(flow))
    assert (again.network_digest_, again.network_card_) == (flow.network_digest_, flow.network_card_)
    assert not hasattr(clone(flow), "network_digest_")


def test_other_weights_are_refused(make):
    flow = CNNEmbedding(make(0)).fit(IMAGES)
    before, old = flow.transform(IMAGES), flow.network_digest_
    path = make(1)
    new = CNNEmbedding(path).fit(IMAGES).network_digest_
    for fitted in (flow, pickle.loads(pickle.dumps(flow))):
        with pytest.raises(ValueError, match=f"{path} is another network .* expected SHA-256 {old}, got {new}; put"):
            fitted.transform(IMAGES)
    make(0)
    assert (flow.transform(IMAGES) == before).all()
    make(1)
    assert (clone(flow).transform(IMAGES) != before).any()  # not fitted, and so of no network in particular
    assert (flow.fit(IMAGES).transform(IMAGES) != before).any()


@pytest.mark.parametrize("field, value", [("mean", 0), ("scale", [1, 2, 3]), ("channels", "BGR")])
def test_another_card_is_refused(make, field, value):
    path = make(0)
    flow = CNNEmbedding(path).fit(IMAGES)
    before = flow.transform(IMAGES)
    [card] = path.parent.glob("*.card.json")
    fields = json.loads(card.read_text())
    card.write_text(json.dumps({**fields, "license": "MIT"}))  # features do not depend on it
    assert (flow.transform(IMAGES) == before).all()
    card.write_text(json.dumps({**fields, field: value}))
    with pytest.raises(ValueError, match=f"images enter {path} in another way .* expected {field} .* on its card, got"):
        flow.transform(IMAGES)


def test_a_network_that_has_moved_is_the_same_network(make, tmp_path):
    path = make(0)
    flow = CNNEmbedding(path).fit(IMAGES)
    before = flow.transform(IMAGES)
    (tmp_path / "moved").mkdir()
    for file in tmp_path.glob("net*"):
        file.rename(tmp_path / "moved" / file.name)
    assert (flow.set_params(network=tmp_path / "moved" / path.name).transform(IMAGES) == before).all()


def test_inside_a_union_and_a_classifier(make):
    labels = ["a", "b"] * 20
    path = make(0)
    union = FlowUnion([("pixels", RawPixels((2, 2))), ("net", CNNEmbedding(path))]).fit(IMAGES)
    model = make_model([("net", CNNEmbedding(path))], "logistic", random_state=0).fit(IMAGES, labels)
    make(1)
    with pytest.raises(ValueError, match="another network than the flow was fitted with"):
        union.transform(IMAGES)
    with pytest.raises(ValueError, match="another network than the flow was fitted with"):
        pickle.loads(pickle.dumps(model)).predict(IMAGES)


def test_in_8_bit_integers(tmp_path):
    path = plain(tmp_path / "net.onnx")
    flow = CNNEmbedding(path, precision="int8").fit(IMAGES)
    plain(path, seed=1)
    with pytest.raises(ValueError, match="another network than the flow was fitted with"):
        flow.transform(IMAGES)


class Replacing(list):
    """Images; when one from the middle is asked for, the network is replaced by another."""

    def __init__(self, images, replace):
        super().__init__(images)
        self.replace = replace

    def __getitem__(self, position):
        if position == 20:
            self.replace()
        return super().__getitem__(position)


def rows_by_hand(path, layer="global_pool"):
    session = open_session(path, (layer,))
    return np.stack([session.run(pixels)[layer] for pixels in IMAGES])


@pytest.mark.parametrize("is_fitted", [True, False])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_network_that_is_replaced_in_the_middle(make, tmp_path, n_jobs, is_fitted):
    """The run is of the network that it began with; its rows are found again under no other network."""
    path = make(0)
    old = rows_by_hand(path)
    flow = CNNEmbedding(path, store=tmp_path / "store", n_jobs=n_jobs)
    if is_fitted:
        flow.fit(IMAGES)
    np.testing.assert_array_equal(extract(flow, Replacing(IMAGES, lambda: make(1))).features, old)
    new = clone(flow)
    extraction = extract(new, IMAGES)
    assert extraction.n_computed == len(IMAGES) and (extraction.features != old).any()
    np.testing.assert_array_equal(extraction.features, rows_by_hand(path))
    make(0)
    extraction = extract(clone(flow), IMAGES)
    np.testing.assert_array_equal(extraction.features, old)
    assert extraction.n_computed == 0


@pytest.mark.parametrize("is_fitted", [True, False])
def test_a_network_that_is_replaced_before_processes_read_it(make, tmp_path, is_fitted):
    """They were told which network it is."""
    path = make(0)
    old = rows_by_hand(path)
    flow = CNNEmbedding(path, store=tmp_path / "store", n_jobs=2)
    if is_fitted:
        flow.fit(IMAGES)
    images = Replacing(IMAGES, lambda: make(1))
    with parallel_config("loky"), pytest.raises(ValueError, match="another network than the flow was fitted with"):
        extract(flow, images)
    make(0)
    np.testing.assert_array_equal(extract(clone(flow), IMAGES).features, old)


def test_weights_that_are_replaced_between_card_and_graph(tmp_path):
    """MXNet's values are read when the graph is built: from another file, if it is not told."""
    path = checkpoint(tmp_path, 0)
    bound = CNNEmbedding(path).bind()
    checkpoint(tmp_path, 1)
    with pytest.raises(ValueError, match="net-symbol.json or net-0001.params has changed since it was opened"):
        extract(bound, IMAGES)


def test_an_equal_file_is_as_good_as_the_old_one(make, tmp_path):
    """Copied anew with other times; nothing is computed again."""
    flow = CNNEmbedding(make(0), store=tmp_path / "store").fit(IMAGES)
    before = flow.transform(IMAGES)
    make(0)
    assert (flow.transform(IMAGES) == before).all() and extract(flow, IMAGES).n_computed == 0


def test_times_that_are_set_back_hide_no_change(tmp_path):
    """As archivers and rsync leave them: the same size, inode and time of modification, in another file."""
    path = plain(tmp_path / "net.onnx")
    before, other = rows_by_hand(path), plain(tmp_path / "other.onnx", seed=1)
    shutil.copystat(path, other)
    content = other.read_bytes()
    with open(path, "r+b") as file:
        file.write(content)
    shutil.copystat(other, path)
    assert (rows_by_hand(path) != before).any()


def test_what_is_parsed_is_what_is_digested(tmp_path, monkeypatch):
    """The file is replaced as soon as it has been read for the first time."""
    path = plain(tmp_path / "net.onnx")
    old = rows_by_hand(path)
    print_ = fingerprint(CNNEmbedding(path))
    other = plain(tmp_path / "other.onnx", seed=1).read_bytes()
    whole = path.read_bytes()
    read_content = network_module.read_content

    def read(*arguments):
        content = read_content(*arguments)
        if content.path == path:
            path.write_bytes(other)
        return content

    path.write_bytes(whole)  # has another time of modification, so it is read again
    monkeypatch.setattr(network_module, "read_content", read)
    bound = CNNEmbedding(path).bind()
    assert fingerprint(bound) == print_
    np.testing.assert_array_equal(extract(bound, IMAGES).features, old)


@pytest.mark.parametrize("engine", ["threading", "loky"])
@pytest.mark.parametrize("on_error", ["raise", "nan"])
@pytest.mark.parametrize("operator, value", [("Log", "NaN"), ("Reciprocal", "infinite")])
def test_outputs_that_are_not_finite(tmp_path, operator, value, on_error, engine):
    """The logarithm of a negative number, the inverse of zero."""
    nodes = [node("Sub", "map map", "zero"), node("Sub", "zero shift", "negative"), node(operator, "negative", "out")]
    path = write(tmp_path / "net.onnx", nodes, [constant("shift", 1 if operator == "Log" else 0)])
    flow = CNNEmbedding(path, "out", on_error=on_error, n_jobs=2, store=tmp_path / "store")
    message = f"{path}: layer 'out' of image 0 .*: expected finite values, got .* {value} "
    with parallel_config(engine), pytest.raises(NetworkOutputError, match=message):
        flow.fit_transform(IMAGES[:1])
    assert not any(each.n_images for each in FeatureStore(tmp_path / "store").flows())
    assert CNNEmbedding(path, "map").fit_transform(IMAGES[:1]).shape == (1, 6)  # the layer before it is in order
    with pytest.raises(NetworkOutputError):
        CNNEmbedding(path, "out", precision="int8").fit(IMAGES[:1])


def test_large_outputs_that_are_finite(tmp_path):
    path = write(tmp_path / "net.onnx", [node("Mul", "map large", "out")], [constant("large", 1e36)])
    flow = CNNEmbedding(path, "out").fit(IMAGES)
    assert np.isfinite(flow.transform(IMAGES)).all() and flow.transform(IMAGES).max() > 1e36
    path = write(tmp_path / "net.onnx", [node("Mul", "map large", "out")], [constant("large", 1e37)])
    with pytest.raises(NetworkOutputError, match='pooling="mean" of layer .out. of image .* overflows'):
        CNNEmbedding(path, "out").fit_transform(IMAGES)


def test_errors_while_it_runs_name_the_file_in_one_line(tmp_path):
    """A channel that there is not; which one it is follows from the image."""
    nodes = [
        node("ReduceMax", "map", "greatest", axes=[1, 2, 3], keepdims=0), node("Add", "greatest many", "sum"),
        node("Cast", "sum", "channel", to=onnx.TensorProto.INT64), node("Gather", "map channel", "out", axis=1),
    ]
    path = write(tmp_path / "net.onnx", nodes, [constant("many", 1000)])
    with pytest.raises(ValueError, match=f"{path}: onnxruntime cannot run it: .*Gather") as caught:
        CNNEmbedding(path, "out").fit_transform(IMAGES)
    assert str(caught.value).isprintable()
