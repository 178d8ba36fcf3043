"""Names of the hub, with huggingface_hub itself and a hub on this machine."""

import os
import pickle
import shutil

import joblib
import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from twoflow import CNNEmbedding, FlowClassifier, load, save
from twoflow.errors import InputError, UnreachableError
from twoflow.networks import content, get_card
from twoflow.networks.hub import remote

from .folders import PROCESSOR, make_folder, read_files
from .server import Hub

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.fixture
def files(tmp_path):
    return read_files(make_folder(tmp_path / "source"))


def downloaded(hub):
    return {each.partition(" ")[2].split("/", 5)[-1] for each in hub.asked if each.startswith("GET /org/")}


def test_only_what_is_needed_is_downloaded(hub, files, tmp_path):
    others = {"model.safetensors": b"0" * 999, "onnx/model_fp16.onnx": b"1", "onnx/model.onnx_data_of_another": b"2"}
    commit = hub.push("org/net", {**files, **others})
    card = get_card("hf://org/net")
    assert downloaded(hub) == {"onnx/model.onnx", "onnx/model.onnx_data", "preprocessor_config.json", "README.md"}
    assert (card.name, card.source) == ("org/net", f"hf://org/net@{commit}/onnx/model.onnx")
    assert card.license == "own-license (https://host/license)" and card.resize_size == (12, 12)
    assert card.reasons["file"] == "onnx/model.onnx: a whole model in float32; passed over: onnx/model_fp16.onnx"
    np.testing.assert_array_equal(
        CNNEmbedding("hf://org/net").fit_transform([PIXELS]), CNNEmbedding(tmp_path / "source").fit_transform([PIXELS])
    )


def test_the_hub_is_asked_once(hub, files):
    hub.push("org/net", files)
    card = get_card("hf://org/net")
    hub.asked.clear()
    assert get_card("hf://org/net") is card and hub.asked == []


def test_revisions_and_files(hub, files, tmp_path):
    first = hub.push("org/net", files)
    other = read_files(make_folder(tmp_path / "other", "onnx/model_fp16.onnx", seed=1))
    second = hub.push("org/net", {**files, **other})
    hub.refs["org/net", "v1"] = first
    hub.refs["org/net", "refs/pr/1"] = second
    for name, commit, file in (
        ("hf://org/net", second, "onnx/model.onnx"),
        ("hf://org/net@v1", first, "onnx/model.onnx"),
        (f"hf://org/net@{first}", first, "onnx/model.onnx"),
        ("hf://org/net@refs/pr/1", second, "onnx/model.onnx"),
        ("hf://org/net@main/onnx/model_fp16.onnx", second, "onnx/model_fp16.onnx"),
    ):
        assert get_card(name).source == f"hf://org/net@{commit}/{file}"


def test_a_branch_that_moves_while_it_is_downloaded(hub, files, monkeypatch):
    hub.push("org/net", files)
    answer, pushed = Hub.answer, []

    def move(self, request):
        if request.command == "HEAD" and not pushed:
            pushed.append(self.push("org/net", files))
        answer(self, request)

    monkeypatch.setattr(Hub, "answer", move)
    assert get_card("hf://org/net").source == f"hf://org/net@{pushed[0]}/onnx/model.onnx"


@pytest.mark.parametrize("name, message", [
    ("hf://org/none", "the hub has no repository org/none, or it is private; correct the name, or set HF_TOKEN"),
    ("hf://org/net@v9", "org/net has no revision 'v9'; name one of its branches, tags or commits"),
    ("hf://org/net@" + "0" * 40, "org/net has no revision '0000"),
    ("hf://org/gated", "accept them on the page of org/gated, and set HF_TOKEN to your token"),
    ("hf://org/weights", "expected an .onnx file, got weights only .*export-weights.md"),
    ("hf://org/net/onnx/none.onnx", "expected a file of the repository, got 'onnx/none.onnx'; leave it out"),
    ("hf://org/net/README.md", "expected an .onnx file, got README.md"),
    ("hf://org/two", r"expected the files of one network, got 2 \(a.onnx and b.onnx\); name the file"),
    ("hf://org/page", "expected the file itself, got a web page"),
    ("hf://org/pointer", "expected the file itself, got a pointer of Git LFS"),
    ("hf://org/outside", "expected an .onnx file or one .* got neither"),
    ("hf://org/large", f"expected at most {content.MAX_BYTES} bytes, got {2**31 + 1} .onnx/large.onnx.; name a sma"),
])
def test_one_line_for_each_refusal(hub, files, name, message):
    hub.push("org/net", files)
    hub.push("org/gated", files)
    hub.gated.add("org/gated")
    hub.push("org/weights", {"model.safetensors": b"0"})
    hub.push("org/two", {"a.onnx": b"0", "b.onnx": b"0"})
    hub.push("org/page", {"model.onnx": b"<!doctype html><html></html>"})
    hub.push("org/pointer", {"model.onnx": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"})
    hub.push("org/outside", {"../../model.onnx": b"0", "/model.onnx": b"0", "onnx\\model.onnx": b"0"})
    hub.push("org/large", {"onnx/large.onnx": b"0"})
    hub.sizes["onnx/large.onnx"] = 2**31 + 1
    with pytest.raises(InputError, match=message) as error:
        get_card(name)
    assert "\n" not in str(error.value)


def test_weights_that_are_too_large_are_not_downloaded(hub, files):
    hub.push("org/net", files)
    hub.sizes["onnx/model.onnx_data"] = 2**31
    with pytest.raises(InputError, match=r"bytes, got .* \(onnx/model.onnx, onnx/model.onnx_data\); name a smaller"):
        get_card("hf://org/net")
    assert downloaded(hub) == {"onnx/model.onnx"}


def test_from_the_cache(hub, files, offline):
    commit = hub.push("org/net", files)
    hub.refs["org/net", "v1"] = commit
    for name in ("hf://org/net", "hf://org/net@v1"):
        get_card(name)
    offline()
    for name in ("hf://org/net", "hf://org/net@v1", f"hf://org/net@{commit}"):
        card = get_card(name)
        assert card.source == f"hf://org/net@{commit}/onnx/model.onnx"
        assert card.reasons["file"].endswith("from the cache, because the hub does not answer (HF_HUB_OFFLINE is set)")
    remedy = "on a machine with a connection run: hf download org/net --local-dir net, then use the path of that folder"
    for name in ("hf://org/net@v2", "hf://org/net@" + "0" * 40):
        with pytest.raises(UnreachableError, match=f"the cache does not have this revision; {remedy}"):
            get_card(name)
    with pytest.raises(UnreachableError, match="HF_HUB_OFFLINE is set.*hf download org/other --local-dir other"):
        get_card("hf://org/other")


def test_a_cache_without_the_network(hub, files, offline, constants):
    commit = hub.push("org/net", files)
    get_card("hf://org/net")
    os.unlink(os.path.join(constants.HF_HUB_CACHE, "models--org--net", "snapshots", commit, "onnx", "model.onnx"))
    offline()
    with pytest.raises(UnreachableError, match="the cache does not have the network .*hf download org/net"):
        get_card("hf://org/net")


def test_no_connection(hub, files, monkeypatch):
    hub.push("org/net", files)
    get_card("hf://org/net")
    monkeypatch.setattr(remote, "_fetched", {})
    monkeypatch.setattr(Hub, "answer", lambda self, request: self._refuse(request, 503, ""))
    assert "; from the cache, because the hub does not answer (" in get_card("hf://org/net").reasons["file"]
    with pytest.raises(UnreachableError, match="the hub does not answer .*503") as error:
        get_card("hf://org/other")
    assert "\n" not in str(error.value)


def fit(shop):
    return FlowClassifier([("cnn", CNNEmbedding("hf://org/net"), "passthrough")], GaussianNB()).fit(shop)


def test_a_fitted_flow_keeps_to_its_commit(hub, files, shop, tmp_path, monkeypatch):
    commit = hub.push("org/net", files)
    model = fit(shop)
    expected = model.predict_proba(shop)
    flow = model.union_.flows_[0][1]
    assert flow.network_path_ == f"hf://org/net@{commit}/onnx/model.onnx" and flow.network == "hf://org/net"
    hub.push("org/net", read_files(make_folder(tmp_path / "new", processor=PROCESSOR, seed=1)))
    monkeypatch.setattr(remote, "_fetched", {})
    assert (pickle.loads(pickle.dumps(model)).predict_proba(shop) == expected).all()
    assert (fit(shop).predict_proba(shop) != expected).any()
    flow.set_params(network="hf://org/another")
    with pytest.raises(InputError, match="the hub has no repository org/another"):
        flow.transform([PIXELS])


def test_a_fitted_flow_works_from_the_cache(hub, files, shop, offline):
    hub.push("org/net", files)
    model = fit(shop)
    expected = model.predict_proba(shop)
    offline()
    assert (model.predict_proba(shop) == expected).all()
    with joblib.parallel_config("threading", n_jobs=2):
        assert (model.predict_proba(shop) == expected).all()


def test_inside_a_model_file_and_elsewhere(hub, files, shop, offline, constants, tmp_path):
    commit = hub.push("org/net", files)
    model = fit(shop)
    expected = model.predict_proba(shop)
    [entry] = save(model, tmp_path / "in.twoflow").networks
    assert entry.source == f"hf://org/net@{commit}/onnx/model.onnx" and entry.name == "org/net"
    assert entry.license == "own-license (https://host/license)"
    save(model, tmp_path / "out.twoflow", networks="elsewhere")
    loaded = load(tmp_path / "out.twoflow", networks=["hf://org/net"])
    assert (loaded.predict_proba(shop) == expected).all()
    shutil.rmtree(constants.HF_HUB_CACHE)
    offline()
    assert (load(tmp_path / "in.twoflow").predict_proba(shop) == expected).all()
    assert (load(tmp_path / "out.twoflow", networks=[tmp_path / "source"]).predict_proba(shop) == expected).all()
