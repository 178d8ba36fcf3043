"""The network that a model has trained, as a folder."""

import json
import os

import numpy as np
import pytest

from twoflow import CNNEmbedding, ColorHistogram, load, make_model, make_shop, save
from twoflow.commands.export import main as export
from twoflow.commands.networks import main as networks
from twoflow.commands.program import run
from twoflow.deep import FineTunedFlow, save_network
from twoflow.deep.trained_network import CARD, NETWORK
from twoflow.networks.trained_on import count_digests

from .stub_classifier import StubClassifier


@pytest.fixture(scope="module")
def shop():
    return make_shop(n_classes=3, n_per_class=4, random_state=0)


@pytest.fixture(scope="module")
def flow(shop):
    return FineTunedFlow(StubClassifier(random_state=0)).fit(shop)


@pytest.fixture(scope="module")
def model_file(flow, shop, tmp_path_factory):
    """Its flow is that of the trained network, which needs no class of the tests."""
    path = tmp_path_factory.mktemp("models") / "shop.twoflow"
    mine = CNNEmbedding(flow.flows_[0].network)
    save(make_model([("mine", mine), ("color", ColorHistogram())], "logistic", random_state=0).fit(shop), path)
    return path


def test_the_folder_gives_the_same_features(flow, shop, tmp_path):
    folder = save_network(flow, tmp_path / "new" / "mine")
    assert sorted(os.listdir(folder)) == [CARD, NETWORK]
    again = CNNEmbedding(folder).fit(shop)
    assert (again.transform(shop) == flow.transform(shop)).all()
    assert again.network_digest_ == flow.flows_[0].network_digest_
    assert count_digests(again.networks()[0].trained_on) == len(shop)


@pytest.mark.parametrize("wrap", ["model", "file"])
def test_a_model_around_it_will_do(flow, model_file, shop, tmp_path, wrap):
    if wrap == "file":
        model = load(model_file)
    else:
        flows = [("mine", FineTunedFlow(StubClassifier(random_state=0), cv=None)), ("other", CNNEmbedding())]
        model = make_model(flows, "logistic", random_state=0).fit(shop)
    folder = save_network(model, tmp_path / "mine")
    assert (CNNEmbedding(folder).fit_transform(shop) == flow.transform(shop)).all()


def test_it_may_be_saved_again_but_not_over_another(flow, shop, tmp_path):
    folder = save_network(flow, tmp_path / "mine")
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    save_network(flow, folder)
    other = FineTunedFlow(StubClassifier(random_state=1)).fit(shop)
    with pytest.raises(OSError, match="expected a folder without another network, got network.onnx; name another"):
        save_network(other, folder)
    more = FineTunedFlow(StubClassifier(random_state=0)).fit(shop[:8])
    with pytest.raises(OSError, match=f"got {CARD}, {NETWORK}; name another folder, or remove these files"):
        save_network(more, folder)
    assert before.keys() == {path.name for path in folder.iterdir()}
    assert (CNNEmbedding(folder).fit_transform(shop) == flow.transform(shop)).all()


def test_a_folder_with_another_network_is_refused(flow, tmp_path):
    (tmp_path / "vit.onnx").write_bytes(b"")
    with pytest.raises(OSError, match="expected a folder without another network, got vit.onnx"):
        save_network(flow, tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="cannot write to .*file: file exists; name another folder"):
        save_network(flow, tmp_path / "file")


def test_an_interruption_leaves_no_network_without_its_card(flow, shop, tmp_path, monkeypatch):
    from twoflow.deep import saved_network

    def full(path, content):
        if path.name == NETWORK:
            raise OSError(28, "No space left on device")
        path.write_bytes(content)

    with monkeypatch.context() as patched:
        patched.setattr(saved_network, "write_file", full)
        with pytest.raises(OSError, match="no space left on device; name another folder"):
            save_network(flow, tmp_path)
    assert os.listdir(tmp_path) == [CARD]
    assert (CNNEmbedding(save_network(flow, tmp_path)).fit_transform(shop) == flow.transform(shop)).all()


@pytest.mark.parametrize("model, got", [
    (ColorHistogram(), "got a ColorHistogram with none; pass another"),
    (CNNEmbedding(), "got a CNNEmbedding with none; pass another"),
])
def test_a_model_without_a_trained_network(model, got, shop, tmp_path):
    with pytest.raises(ValueError, match=f"expected a model that has trained one network, such as .*{got}"):
        save_network(model.fit(shop), tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_a_model_with_two(shop, tmp_path):
    flows = [(f"mine{i}", FineTunedFlow(StubClassifier(random_state=i), cv=None)) for i in range(2)]
    with pytest.raises(ValueError, match="got a FlowClassifier with 2 trained networks; pass another"):
        save_network(make_model(flows, "logistic", random_state=0).fit(shop), tmp_path / "mine")


def test_the_command_writes_it_and_the_networks_command_shows_it(model_file, flow, shop, tmp_path, capsys):
    folder = tmp_path / "mine"
    assert run(export, [str(model_file), str(folder), "--network"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"wrote {folder / NETWORK} (") and f"and {folder / CARD}\n" in printed
    assert f"Next: twoflow networks {folder}\n" in printed
    assert run(networks, [str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "  trained on  12 images, by twoflow; a comparison refuses to test it on them\n" in printed
    assert "  embedding   global_pool: the card says so" in printed and "  license     MIT\n" in printed
    assert run(networks, [str(folder), "--json"]) == 0
    document, = json.loads(capsys.readouterr().out)
    assert document["n_trained_on"] == 12 and "trained_on" not in document
    assert np.array_equal(CNNEmbedding(folder).fit_transform(shop), flow.transform(shop))


@pytest.mark.parametrize("more", [["--check", "a.png"], ["--triton", "models"], ["--overwrite"]], ids=" ".join)
def test_the_command_refuses_what_is_for_the_graph(model_file, tmp_path, capsys, more):
    assert run(export, [str(model_file), str(tmp_path / "mine"), "--network", *more]) == 2
    assert f"--network: expected no {more[0]}, which is for the graph of the whole model" in capsys.readouterr().err
