"""Networks that pip does not install: inside the model file, or elsewhere; never another one in their place."""

import json
import os
import pickle
import shutil

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB

from twoflow import CNNEmbedding, FlowClassifier, TwoFlowClassifier, load, make_model, open_model_file, save
from twoflow.errors import InputError
from twoflow.flows.engine.extraction import extract
from twoflow.networks import CarriedNetwork, get_card, resolve
from twoflow.networks.files import carry

from ...networks.mxnet.files import network as symbol
from ...networks.mxnet.files import write as write_mxnet
from ...networks.onnx import nets
from ...networks.onnx.builder import Builder
from ...networks.onnx.families import FAMILIES
from .tampering import change_array, change_attribute, change_members


def write_onnx(folder, seed=0):
    return nets.plain(folder / "net.onnx", seed)


def write_external(folder, seed=0):
    """Write a network with its weights in another file, in a folder below."""
    import onnx

    path = nets.plain(folder / "net.onnx", seed)
    model = onnx.load(path)
    (folder / "weights").mkdir()
    onnx.save(model, path, save_as_external_data=True, size_threshold=0, location="weights/net.data")
    return path


def write_checkpoint(folder, seed=0):
    operators = [
        ("Convolution", "conv", {"kernel": (2, 2), "stride": (2, 2), "num_filter": 4}, ["data", "w", "b"]),
        ("Pooling", "pool", {"global_pool": True, "pool_type": "avg"}, ["conv"]),
        ("Flatten", "flat", {}, ["pool"]),
    ]
    rng = np.random.default_rng(seed)
    arrays = {"w": rng.normal(size=(4, 3, 2, 2)).astype(np.float32), "b": np.zeros(4, np.float32)}
    card = {"input_size": [8, 8], "mean": 127, "scale": 64}
    return write_mxnet(folder, symbol(*operators), arrays, card=card)


KINDS = {"onnx": write_onnx, "external": write_external, "mxnet": write_checkpoint}


@pytest.fixture(params=KINDS)
def network(request, tmp_path):
    (tmp_path / "nets").mkdir()
    return KINDS[request.param](tmp_path / "nets")


def fit(shop, path, **parameters):
    layer = resolve(path).outputs[-1]
    flow = CNNEmbedding(path, layer, **parameters)
    return FlowClassifier([("cnn", flow, "passthrough")], GaussianNB()).fit(shop)


def test_inside(network, shop, tmp_path):
    model = fit(shop, network)
    expected = model.predict_proba(shop)
    card = save(model, tmp_path / "m.twoflow")
    shutil.rmtree(network.parent)
    loaded = load(tmp_path / "m.twoflow")
    assert (loaded.predict_proba(shop) == expected).all()
    flow = loaded.union_.flows_[0][1]
    assert isinstance(flow.network, CarriedNetwork) and flow.network.name == network.name
    assert [(each.place, each.digest) for each in card.networks] == [("inside", flow.network_digest_)]
    # It can be cloned, searched, pickled, fitted and saved again.
    assert clone(loaded).get_params()["cnn__network"] == flow.network
    assert (clone(loaded).fit(shop).predict_proba(shop) == expected).all()
    assert (pickle.loads(pickle.dumps(loaded)).predict_proba(shop) == expected).all()
    GridSearchCV(loaded, {"cnn__pooling": ["mean"]}, cv=2).fit(shop, shop.labels)
    save(loaded, tmp_path / "again.twoflow")
    assert (tmp_path / "again.twoflow").read_bytes() == (tmp_path / "m.twoflow").read_bytes()


def test_elsewhere(network, shop, tmp_path):
    model = fit(shop, network)
    expected = model.predict_proba(shop)
    save(model, tmp_path / "m.twoflow", networks="elsewhere")
    with pytest.raises(InputError, match=f"it needs the network {network.name} with SHA-256 .*; pass networks="):
        load(tmp_path / "m.twoflow")
    moved = shutil.move(network.parent, tmp_path / "other") / network.relative_to(network.parent)
    (tmp_path / "more").mkdir()
    another = write_onnx(tmp_path / "more", seed=3)
    with pytest.raises(InputError, match="it needs the network"):
        load(tmp_path / "m.twoflow", networks=[another])
    for networks in ([moved], [another, moved], moved):
        loaded = load(tmp_path / "m.twoflow", networks=networks)
        assert (loaded.predict_proba(shop) == expected).all()
    with pytest.raises(InputError, match="there is no file"):
        load(tmp_path / "m.twoflow", networks=[tmp_path / "none.onnx"])


@pytest.fixture
def saved(shop, tmp_path):
    (tmp_path / "nets").mkdir()
    path = write_onnx(tmp_path / "nets")
    model = fit(shop, path)
    return model, path, tmp_path / "m.twoflow"


def test_a_network_that_changed_before_it_was_saved(saved):
    model, path, target = saved
    nets.plain(path, seed=1)
    with pytest.raises(InputError, match="net.onnx is another network than the model was fitted with: expected SHA"):
        save(model, target)
    assert not target.exists()


def test_a_network_that_was_swapped_in_the_file(saved, tmp_path):
    model, _, target = saved
    save(model, target)
    other = nets.plain(tmp_path / "other.onnx", seed=1).read_bytes()
    change_members(target, lambda members: members.update({"networks/0/net.onnx": other}))
    with pytest.raises(InputError, match="it needs the network net.onnx"):
        load(target)


def test_a_digest_that_was_swapped_too(saved, tmp_path):
    """Even if the reference names the other network, the flow was fitted with its own."""
    model, _, target = saved
    save(model, target)
    other = nets.plain(tmp_path / "other.onnx", seed=1)
    files = {"net.onnx": other.read_bytes(), "net.card.json": other.with_suffix(".card.json").read_bytes()}
    carried = CarriedNetwork("net.onnx", files.items())
    change_members(target, lambda members: members.update({"networks/0/net.onnx": other.read_bytes()}))
    for name in ("key", "digest"):
        change_attribute(target, "CarriedNetwork", name, getattr(carried, name))
    with pytest.raises(InputError, match="another network than the flow was fitted with"):
        load(target)


def test_a_path_that_is_not_needed_is_read_all_the_same(saved):
    """A mistyped path is an error, not passed over."""
    model, network, path = saved
    save(model, path)
    assert load(path, networks=[network]).classes_.tolist() == model.classes_.tolist()
    with pytest.raises(InputError, match="gone.onnx"):
        load(path, networks=["gone.onnx"])


def test_another_card_elsewhere(saved, shop):
    model, path, target = saved
    save(model, target, networks="elsewhere")
    path.with_suffix(".card.json").write_text(json.dumps({"mean": 1, "scale": 2}))
    with pytest.raises(InputError, match="images enter .* in another way"):
        load(target, networks=[path]).predict(shop)


def test_a_package_of_another_version(shop, tmp_path):
    model = FlowClassifier([("cnn", CNNEmbedding(), "passthrough")], GaussianNB()).fit(shop)
    assert save(model, tmp_path / "p.twoflow").networks[0].place == "package"
    change_attribute(tmp_path / "p.twoflow", "CNNEmbedding", "network_digest_", "0" * 64)
    with pytest.raises(InputError, match="another network than the flow was fitted with"):
        load(tmp_path / "p.twoflow")


def test_store_finds_the_features_of_the_file(saved, shop, tmp_path):
    model, path, target = saved
    save(model, target)
    flow = load(target).union_.flows_[0][1]
    on_disk = CNNEmbedding(str(path), flow.layer, store=tmp_path / "store").fit(shop)
    on_disk.transform(shop)
    found = extract(flow.set_params(store=tmp_path / "store"), shop.images)
    assert found.n_computed == 0 and (found.features == on_disk.transform(shop)).all()


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_workers(backend, saved, shop):
    model, _, target = saved
    save(model, target)
    loaded = load(target)
    with joblib.parallel_config(backend, n_jobs=2):
        assert (loaded.predict_proba(shop) == model.predict_proba(shop)).all()


def test_a_relative_path_from_another_folder(shop, tmp_path, monkeypatch):
    (tmp_path / "nets").mkdir()
    (tmp_path / "elsewhere").mkdir()
    write_onnx(tmp_path / "nets")
    monkeypatch.chdir(tmp_path)
    model = fit(shop, "nets/net.onnx")
    expected = model.predict_proba(shop)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert (model.predict_proba(shop) == expected).all()
    assert (pickle.loads(pickle.dumps(model)).predict_proba(shop) == expected).all()
    with joblib.parallel_config("loky", n_jobs=2):
        assert (model.predict_proba(shop) == expected).all()
    assert model.get_params()["cnn__network"] == "nets/net.onnx"
    save(model, "m.twoflow")
    os.rename(tmp_path / "nets", tmp_path / "gone")
    assert (load("m.twoflow").predict_proba(shop) == expected).all()


def test_a_network_that_is_not_used_travels_by_name_only(saved, shop, tmp_path):
    model, path, target = saved
    (tmp_path / "b").mkdir()
    other = write_onnx(tmp_path / "b", seed=1)
    search = GridSearchCV(model, {"cnn__network": [path, str(other)]}, cv=2).fit(shop, shop.labels)
    save(search, target)
    loaded = load(target)
    assert (loaded.predict(shop) == search.predict(shop)).all()
    kept, unused = sorted(loaded.param_grid["cnn__network"], key=lambda each: not each.files)
    assert kept.files and not unused.files and unused.name == "net.onnx"
    with pytest.raises(InputError, match="net.onnx: expected its file net.onnx with it, got none"):
        resolve(unused)
    assert len(open_model_file(target).card.networks) == 1


def test_recipes_take_a_carried_network(tmp_path):
    carried = carry(nets.plain(tmp_path / "net.onnx"))
    assert get_card(carried).name == "net.onnx" and str(tmp_path) not in str(get_card(carried))
    assert make_model("paper", network=carried).get_params()["cnn__network"] is carried
    assert clone(TwoFlowClassifier(network=carried)).make().get_params()["cnn__network"] is carried
    assert carried == carry(tmp_path / "net.onnx") and hash(carried) == hash(carry(tmp_path / "net.onnx"))
    assert carried != carry(nets.plain(tmp_path / "net.onnx", seed=1)) and repr(carried).startswith("CarriedNetwork('n")


@pytest.mark.parametrize("change, words", [
    (lambda members: members.pop("networks/0/net.onnx"), "expected its files beside it"),
    (lambda members: members.pop("networks/0.json"), "it needs the network"),
    (lambda members: members.update({"networks/0.json": b"[]"}), "expected the name and files of a network"),
    (lambda members: members.update({"networks/0.json": b'{"name": "a", "files": [3]}'}), "expected the name and"),
    (lambda members: members.update({"networks/0/net.card.json": b"{}"}), "it needs the network"),
])
def test_damaged_networks(change, words, saved):
    model, _, target = saved
    save(model, target)
    change_members(target, change)
    with pytest.raises(InputError, match=words):
        load(target)


def test_a_card_of_the_network_that_does_not_fit(saved):
    model, _, target = saved
    save(model, target)
    change_array(target, "GaussianNB", "theta_", lambda theta: theta[:, :2])
    with pytest.raises(InputError, match="cannot answer"):
        load(target)


def test_where_networks_are_is_a_choice_of_two(saved):
    model, _, target = saved
    with pytest.raises(InputError, match="networks: expected 'inside' or 'elsewhere', got 'here'"):
        save(model, target, networks="here")


def test_several_networks_travel_and_the_provider_stays(tmp_path, shop):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = nets.plain(tmp_path / "one/net.onnx", 1), write_vit(tmp_path / "two/vit.onnx")
    flows = [
        ("one", CNNEmbedding(str(one), provider="cpu")),
        ("two", CNNEmbedding(two, "tokens", pooling="covariance")),
    ]
    model = make_model(flows, GaussianNB()).fit(shop)
    card = save(model, tmp_path / "m.twoflow")
    assert [(each.name, each.license) for each in card.networks] == [("net.onnx", "unknown"), ("vit.onnx", "MIT")]
    expected = model.predict_proba(shop)
    shutil.rmtree(tmp_path / "one")
    two.unlink()
    loaded = load(tmp_path / "m.twoflow")
    np.testing.assert_array_equal(loaded.predict_proba(shop), expected)
    assert [flow.provider for _, flow, _ in loaded.flows] == ["auto", "auto"]
    change_attribute(tmp_path / "m.twoflow", "CNNEmbedding", "provider", "cuda")
    with pytest.raises(InputError, match="CNNEmbedding.provider: expected 'auto', got 'cuda'"):
        load(tmp_path / "m.twoflow")


def write_vit(path):
    """Write a transformer whose card has a license."""
    builder = Builder(np.zeros((16, 24, 3), np.uint8), 17)
    builder.write(path, *FAMILIES["vit"](builder).outputs)
    path.with_suffix(".card.json").write_text(json.dumps({"mean": 127, "scale": 64, "license": "MIT", "fit": "pad"}))
    return path
