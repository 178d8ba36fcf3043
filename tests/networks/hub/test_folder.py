"""Folders as hubs have them: opened, overridden, contradicting, changed under a model, inside a model file."""

import json
import shutil

import numpy as np
import onnx
import pytest
from sklearn.naive_bayes import GaussianNB

from twoflow import CNNEmbedding, FlowClassifier, load, save
from twoflow.errors import InputError
from twoflow.networks import get_card
from twoflow.networks.files import carry

from ..mxnet.files import network as symbol
from ..mxnet.files import write as write_mxnet
from .folders import CARD, PROCESSOR, make_folder

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "net-small")


def embed(network, **parameters):
    return CNNEmbedding(network, "out", **parameters).fit_transform([PIXELS])[0]


def test_card_of_a_folder(folder):
    card = get_card(folder)
    assert (card.name, card.source) == ("net-small", "folder net-small")
    assert card.license == "own-license (https://host/license)"
    assert (card.input_size, card.fit, card.filter, card.resize_size) == ((8, 8), "crop", "bicubic", (12, 12))
    assert (card.channels, card.mean, card.scale) == ("RGB", (127.5,) * 3, (127.5,) * 3)
    assert card.reasons["file"] == "onnx/model.onnx: a whole model in float32"
    assert card.reasons["entry"] == "preprocessor_config.json says how images enter"


def test_a_file_in_the_folder_has_the_same_card(folder):
    whole, file = embed(str(folder)), embed(folder / "onnx" / "model.onnx")
    np.testing.assert_array_equal(whole, file)
    assert "file" not in get_card(folder / "onnx" / "model.onnx").reasons
    card = {"input_size": (8, 8), "fit": "crop", "resize_size": (12, 12), "mean": 127.5, "scale": 127.5}
    (folder / "preprocessor_config.json").unlink()
    np.testing.assert_array_equal(embed(folder, preprocessing=card), whole)
    with pytest.raises(ValueError, match="nothing says how images enter it: mean, scale missing"):
        get_card(folder)


def test_the_configuration_above_another_folder_does_not_count(folder):
    path = make_folder(folder / "other", "net.onnx", processor=None, card=None) / "net.onnx"
    with pytest.raises(ValueError, match="nothing says how images enter it"):
        get_card(path)


def test_what_a_card_file_and_preprocessing_say_counts_first(folder):
    (folder / "onnx" / "model.card.json").write_text(json.dumps({"mean": 3, "license": "MIT"}))
    card = get_card(folder)
    assert (card.mean, card.scale, card.license) == (3, (127.5,) * 3, "MIT")
    assert get_card(folder, {"mean": 5}).mean == 5
    card = get_card(folder, {"fit": "stretch"})
    assert (card.fit, card.resize_size, card.filter) == ("stretch", None, "bicubic")


def test_another_input_size_scales_what_is_cut_out(tmp_path):
    size = {"height": 24, "width": 24}
    folder = make_folder(tmp_path, processor={**PROCESSOR, "size": size, "crop_size": 16})
    path = folder / "onnx" / "model.onnx"
    model = onnx.load(path)
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = "any"
    onnx.save(model, path)
    assert get_card(folder).resize_size == (24, 24)
    assert get_card(folder, {"input_size": [32, 64]}).resize_size == (48, 96)
    assert get_card(folder, {"input_size": [32, 32], "resize_size": [40, 40]}).resize_size == (40, 40)


def test_a_configuration_that_contradicts_the_graph(tmp_path):
    folder = make_folder(tmp_path / "net", processor={**PROCESSOR, "size": 384, "crop_size": 384})
    message = "input_size of 8 x 8 pixels, the only one .*, got 384 x 384; .*correct"
    with pytest.raises(ValueError, match=message) as error:
        get_card(folder)
    assert "\n" not in str(error.value)


def test_kinds_of_models_that_the_processor_does_not_name(folder):
    processor = {"do_resize": True, "do_normalize": True, "size": 8, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    with pytest.raises(ValueError, match=r"net-small: preprocessor_config.json: resample: expected .*, got nothing"):
        get_card(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "swin"}))
    assert get_card(folder).filter == "bilinear"


def test_the_nested_processor_counts_first(folder):
    nested = {"image_processor": {**PROCESSOR, "image_mean": [0.0] * 3}}
    (folder / "processor_config.json").write_text(json.dumps(nested))
    card = get_card(folder)
    assert card.mean == (0,) * 3 and card.reasons["entry"].startswith("processor_config.json says")
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": "CLIPProcessor"}))
    assert get_card(folder).mean == (127.5,) * 3


@pytest.mark.parametrize("name, config", [
    ("config.json", {"architecture": "net", "license": "none",
                     "pretrained_cfg": {"input_size": [3, 8, 8], "crop_pct": 0.5, "license": "apache-2.0"}}),
    ("open_clip_config.json", {"preprocess_cfg": {"size": 8}}),
])
def test_other_libraries(tmp_path, name, config):
    folder = make_folder(tmp_path, "model.onnx", processor=None, card=None, external=False)
    (folder / name).write_text(json.dumps(config))
    (folder / "LICENSE").write_text("MIT License\n")
    card = get_card(folder)
    assert card.input_size == (8, 8) and card.reasons["entry"] == f"{name} says how images enter"
    assert card.license == ("Apache-2.0" if name == "config.json" else "MIT")


@pytest.mark.parametrize("name, content, message", [
    ("preprocessor_config.json", b"{", "preprocessor_config.json: expected JSON, got other text"),
    ("preprocessor_config.json", b"[" * 10**6, "preprocessor_config.json: expected JSON, got other text"),
    ("config.json", b"[1]", "config.json: expected a table in JSON, got list"),
    ("config.json", b"\xff\xfe{", "config.json: expected JSON"),
    ("preprocessor_config.json", b'{"do_resize": true, "size": ' + b"9" * 5000 + b"}", "expected JSON, got"),
    ("preprocessor_config.json", b" " * (2**24 + 1), "expected at most 16777216 bytes, got 16777217"),
    ("preprocessor_config.json", b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS; run git lfs"),
    ("onnx/model.onnx", b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS; run git lfs pull"),
    ("onnx/model.onnx_data", b"version https://git-lfs.github.com/spec/v1\n", "model.onnx_data: .* pointer of Git LFS"),
    ("onnx/model.onnx", b"\n<!DOCTYPE html>\n<html>", "model.onnx: expected the file itself, got a web page; delete"),
    ("preprocessor_config.json", json.dumps({**PROCESSOR, "image_std": [0, 0, 0]}).encode(),
     "scale: expected a number from 1e-6"),
])
def test_files_that_are_none(folder, name, content, message):
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        get_card(folder)
    assert "\n" not in str(error.value)


def test_folders_without_one_network(tmp_path):
    with pytest.raises(ValueError, match=r"expected an .onnx file or one \*-symbol.json in it, got neither"):
        get_card(tmp_path)
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ValueError, match=r"got weights only \(model.safetensors\); export it to ONNX first"):
        get_card(tmp_path)
    make_folder(tmp_path, "a.onnx", external=False)
    make_folder(tmp_path, "b.onnx", external=False)
    with pytest.raises(ValueError, match=r"got 2 \(a.onnx and b.onnx\); name the file"):
        get_card(tmp_path)
    assert get_card(tmp_path / "b.onnx").resize_size == (12, 12)
    (tmp_path / "b.onnx").unlink()
    write_mxnet(tmp_path, symbol(("relu", "relu", {}, ["data"])), {}, card={"mean": 0, "scale": 1})
    with pytest.raises(ValueError, match=r"one network, got 2 files \(net-symbol.json, a.onnx\); name the file"):
        get_card(tmp_path)


def test_a_configuration_that_changes_is_read_again(folder):
    before = get_card(folder)
    assert get_card(folder) is before
    flow = CNNEmbedding(folder, "out").fit([PIXELS])
    (folder / "preprocessor_config.json").write_text(json.dumps({**PROCESSOR, "image_mean": [0.0] * 3}))
    with pytest.raises(InputError, match="images enter .* in another way than when the flow was fitted: expected mean"):
        flow.transform([PIXELS])
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    flow.transform([PIXELS])
    (folder / "LICENSE").write_text("MIT License\n")  # a new file, which says nothing that counts
    assert get_card(folder) is not before
    make_folder(folder, seed=1)
    with pytest.raises(InputError, match="another network than the flow was fitted with"):
        flow.transform([PIXELS])


def test_a_better_file_that_appears_is_another_network(folder):
    flow = CNNEmbedding(folder, "out").fit([PIXELS])
    make_folder(folder, "onnx/vision_model.onnx", seed=1)
    with pytest.raises(InputError, match="vision_model.onnx is another network than the flow was fitted with"):
        flow.transform([PIXELS])


def fit(shop, network, **parameters):
    flow = CNNEmbedding(network, "out", **parameters)
    return FlowClassifier([("cnn", flow, "passthrough")], GaussianNB()).fit(shop)


def test_inside_a_model_file(folder, shop, tmp_path):
    model = fit(shop, folder)
    expected = model.predict_proba(shop)
    card = save(model, tmp_path / "m.twoflow")
    shutil.rmtree(folder)
    loaded = load(tmp_path / "m.twoflow")
    assert (loaded.predict_proba(shop) == expected).all()
    carried = loaded.union_.flows_[0][1].network
    assert [name for name, _ in carried.files] == ["model.onnx", "model.onnx_data", "model.card.json"]
    [entry] = card.networks
    assert (entry.license, entry.source, entry.place) == (
        "own-license (https://host/license)", "folder net-small", "inside"
    )
    assert get_card(carried).fitting.resize_size == (12, 12) and str(tmp_path) not in str(get_card(carried))


def test_elsewhere(folder, shop, tmp_path):
    model = fit(shop, folder)
    expected = model.predict_proba(shop)
    save(model, tmp_path / "m.twoflow", networks="elsewhere")
    with pytest.raises(InputError, match="it needs the network model.onnx with SHA-256"):
        load(tmp_path / "m.twoflow")
    moved = shutil.move(folder, tmp_path / "moved")
    assert (load(tmp_path / "m.twoflow", networks=[moved]).predict_proba(shop) == expected).all()
    (moved / "preprocessor_config.json").write_text(json.dumps({**PROCESSOR, "resample": 0}))
    with pytest.raises(InputError, match="images enter .* in another way .*: expected filter"):
        load(tmp_path / "m.twoflow", networks=[moved]).predict(shop)


def test_a_carried_network_takes_the_same_preprocessing(folder, shop, tmp_path):
    (folder / "preprocessor_config.json").write_text(json.dumps({**PROCESSOR, "do_thumbnail": True}))
    chosen = {"input_size": (8, 8), "fit": "stretch"}
    model = fit(shop, folder, preprocessing=chosen)
    save(model, tmp_path / "m.twoflow")
    assert (load(tmp_path / "m.twoflow").predict_proba(shop) == model.predict_proba(shop)).all()
    assert get_card(carry(folder), chosen).fit == "stretch"


def test_a_relative_folder_from_another_folder(folder, shop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = fit(shop, "net-small")
    expected = model.predict_proba(shop)
    monkeypatch.chdir(folder)
    assert (model.predict_proba(shop) == expected).all()


def test_control_characters_in_a_license(folder):
    (folder / "README.md").write_text(CARD.replace("own-license", "own\x1b[2J"))
    assert get_card(folder).license.startswith("own\\x1b[2J (")


def test_a_model_card_that_is_too_large_is_not_read_for_the_license(folder, monkeypatch):
    monkeypatch.setattr("twoflow.networks.hub.folder.MAX_CONFIG_BYTES", 2000)
    (folder / "README.md").write_text(CARD + "x" * 2000)
    card = get_card(folder)
    assert card.license == "unknown" and get_card(folder) is card
    assert card.reasons["license"] == "README.md: not read for the license, with more than 2,000 bytes"
    (folder / "README.md").write_text(CARD)
    assert get_card(folder).license.startswith("own-license") and "license" not in get_card(folder).reasons


def test_an_ending_in_capitals(folder):
    file = folder / "onnx" / "MODEL.ONNX"
    (folder / "onnx" / "model.onnx").rename(file)
    np.testing.assert_array_equal(embed(file), embed(folder))
    with pytest.raises(ValueError, match="there is no file or folder .*NONE.ONNX"):
        get_card("NONE.ONNX")
