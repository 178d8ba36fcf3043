import json

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from twoflow import RawPixels, make_model
from twoflow.commands.export import main
from twoflow.commands.program import run
from twoflow.models.model_file import save

from .calling import call_with


@pytest.fixture(scope="module")
def model(shop):
    return make_model([("pixels", RawPixels((8, 8)))], "kernel-ridge", random_state=0).fit(shop)


@pytest.fixture
def model_file(model, tmp_path):
    save(model, tmp_path / "shoes.twoflow", threshold=0.5)
    return tmp_path / "shoes.twoflow"


def export(capsys, *arguments):
    return call_with(capsys, lambda argv: run(main, argv), *arguments)


def test_it_writes_the_graph_and_the_card(capsys, model, model_file, shop, tmp_path):
    status, printed, errors = export(capsys, model_file, tmp_path / "shoes.onnx")
    assert status == 0 and not errors
    assert printed.startswith(f"wrote {tmp_path / 'shoes.onnx'} (")
    assert f"and {tmp_path / 'shoes.card.json'}\n" in printed
    assert "the threshold of 0.5 is on the card, but not in the graph" in printed
    session = onnxruntime.InferenceSession(tmp_path / "shoes.onnx", providers=["CPUExecutionProvider"])
    found = session.run(None, {"image": np.asarray(shop[0])})[0]
    assert np.abs(found - model.predict_proba(shop[:1])[0]).max() < 1e-6
    card = json.loads((tmp_path / "shoes.card.json").read_text())
    assert len(card["model_digest"]) == 64 and card["threshold"] == 0.5


def test_check_compares_with_the_model(capsys, model_file, shop, tmp_path):
    paths = []
    for i, pixels in enumerate(shop[:3]):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(np.asarray(pixels)).save(paths[-1])
    status, printed, _ = export(capsys, model_file, tmp_path / "shoes.onnx", "--check", *paths)
    assert status == 0 and "the same class for 3 of 3 answers; probabilities differ by " in printed
    status, _, errors = export(capsys, model_file, tmp_path / "a.onnx", "--check", tmp_path / "missing.jpg")
    assert status == 2 and "missing.jpg" in errors and errors.count("\n") == 1
    assert not (tmp_path / "a.onnx").exists()


def test_earlier_files_are_kept(capsys, model_file, tmp_path):
    (tmp_path / "shoes.onnx").write_text("mine")
    status, printed, _ = export(capsys, model_file, tmp_path / "shoes.onnx")
    assert status == 0 and "shoes-2.onnx" in printed and "--overwrite would replace" in printed
    assert (tmp_path / "shoes.onnx").read_text() == "mine" and (tmp_path / "shoes-2.card.json").exists()
    status, printed, _ = export(capsys, model_file, tmp_path / "shoes.onnx", "--overwrite")
    assert status == 0 and (tmp_path / "shoes.onnx").stat().st_size > 1000 and (tmp_path / "shoes.card.json").exists()


def test_an_earlier_card_is_kept(capsys, model_file, tmp_path):
    (tmp_path / "shoes.card.json").write_text("mine")
    status, _, errors = export(capsys, model_file, tmp_path / "shoes.onnx")
    assert status == 2 and "shoes.card.json" in errors and errors.count("\n") == 1
    assert (tmp_path / "shoes.card.json").read_text() == "mine" and not (tmp_path / "shoes.onnx").exists()


@pytest.mark.parametrize("name", ["shoes.twoflow", "shoes.txt", "shoes"])
def test_another_ending_is_an_error(capsys, model_file, tmp_path, name):
    """So that no slip replaces the model file by its graph."""
    (tmp_path / "shoes.twoflow").write_bytes(b"mine")
    status, _, errors = export(capsys, model_file, tmp_path / name, "--overwrite")
    assert status == 2 and errors == (
        f"error: GRAPH: expected a name that ends in .onnx, got {tmp_path / name}; correct it\n")
    assert (tmp_path / "shoes.twoflow").read_bytes() == b"mine"


def test_errors_are_one_line(capsys, tmp_path):
    (tmp_path / "shoes.twoflow").write_bytes(b"no model")
    status, _, errors = export(capsys, tmp_path / "shoes.twoflow", tmp_path / "shoes.onnx")
    assert status == 2 and errors.startswith("error: ") and errors.count("\n") == 1
    assert not (tmp_path / "shoes.onnx").exists()
