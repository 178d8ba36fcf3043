"""Train a hierarchy from nested folders and tables, and predict with its file."""

import csv
import re
from contextlib import redirect_stdout
from functools import partial
from io import StringIO

import pytest

from twoflow import make_shop
from twoflow.commands import predict, train
from twoflow.commands.program import run
from twoflow.models.model_file import open_model_file

from .calling import call_with


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Uneven: a broad class with nothing below, one with a single class below; and photos of none of the classes."""
    folder = tmp_path_factory.mktemp("photos") / "shop"
    make_shop(n_classes=8, n_per_class=9, folder=folder, random_state=0)
    (folder / "labels.csv").unlink()
    places = {"tee/03": "bag", "trousers/02": "unknown"}
    for own, other in places.items():
        (folder / own).rename(folder / other)
    for image in sorted((folder / "dress/03").iterdir())[:3]:  # partly labeled
        image.rename(folder / "dress" / image.name)
    for image in (folder / "dress/03").iterdir():
        image.unlink()
    (folder / "dress/03").rmdir()
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


def call(capsys, command, store, *arguments):
    return call_with(
        capsys, partial(run, command.main), *arguments, "--jobs", "1", "--quiet", "--store", store, "--overwrite"
    )


@pytest.fixture(scope="module")
def model(folder, store, tmp_path_factory):
    """The file and the output of a training with everything."""
    path = tmp_path_factory.mktemp("model") / "shop.twoflow"
    arguments = ["--levels", "kind,style", "--folds", "2", "--error", "0.25", "--scope", "--jobs", "1", "--quiet"]
    with redirect_stdout(StringIO()) as output:
        train.main([str(folder), *arguments, "--store", str(store), "--out", str(path)])
    return path, output.getvalue()


def test_what_is_said(model):
    path, output = model
    for words in (
        "dress            21", "  01              9", "bag               9",
        "3 images are only partly labeled; the classifier of the finest classes does not learn from them",
        "out of scope: images whose ", "On new images of these classes expect the full path to be right for about ",
        "right down to  accuracy", "Of the held-out images of none of the classes, ", "After fallback:",
        "With 95% confidence, its rule keeps the share of wrong answers at 0.25 or less, for new images like these.",
    ):
        assert words in output, output
    card = open_model_file(path).card
    target, = card.targets
    assert card.title == "hierarchy of recipe fast" and card.threshold is None and target.rule == "Risk(error=0.25)"
    assert target.tree.levels == ("kind", "style") and ("bag",) in target.tree.nodes
    accuracy = float(re.search(r"about ([\d.]+)", output)[1])
    assert target.expectation.accuracy == pytest.approx(accuracy, abs=6e-4)
    assert len(target.held_out.true) == 6 * 9  # complete paths that are in scope


def test_predict(model, folder, store, tmp_path, capsys):
    out = tmp_path / "answers.csv"
    status, _, messages = call(capsys, predict, store, model[0], folder, "--out", out)
    assert status == 0, messages
    with open(out, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    levels = [(row["style_path_kind"], row["style_path_style"]) for row in rows]
    assert {("bag", ""), ("dress", "01"), ("tee", "02")} <= set(levels)
    for row, path in zip(rows, levels):
        assert row["style_label"] == ("/".join(filter(None, path)) or "unknown")
        assert bool(row["style_reason"]) == (row["style_level"] != "style")
    n_unknown = sum(row["style_label"] == "unknown" for row in rows)
    assert n_unknown and f"{n_unknown} unknown" in messages
    first = out.read_bytes()
    for options in (["--jobs", "2"], []):
        call(capsys, predict, store, model[0], folder, "--out", out, *options)
        assert out.read_bytes() == first
    call(capsys, predict, store, model[0], folder, "--out", out, "--threshold", "1")
    assert first != out.read_bytes()


def test_one_target_with_a_scope(folder, store, tmp_path, capsys):
    """A hierarchy of one level."""
    out = tmp_path / "kinds.twoflow"
    lines = [f"{path},{path.parts[-2] if path.parts[-2].isalpha() else path.parts[-3]}"
             for path in sorted(folder.rglob("*.jpg"))]
    (tmp_path / "kinds.csv").write_text("\n".join(["path,class", *lines]), "utf-8")
    options = ["--folds", "2", "--scope", "--threshold", "0.995", "--out", out]
    status, output, messages = call(capsys, train, store, "--labels", tmp_path / "kinds.csv", *options)
    assert status == 0, messages
    assert "After fallback:\n  answered  images  right\n" in output and "a class" in output and "unknown" in output
    target, = open_model_file(out).card.targets
    assert target.rule == "AtLeast(threshold=0.995)"
    assert (target.name, target.classes, target.levels) == ("class", ("bag", "dress", "tee", "trousers"), {})
    status, text, _ = call(capsys, predict, store, out, folder / "unknown", folder / "bag", "--top", "1")
    rows = list(csv.DictReader(text.splitlines()))
    assert "class_path_class" not in rows[0]
    assert {row["class_label"] for row in rows[9:]} <= {"bag", "unknown"} and len(rows) == 18


@pytest.mark.parametrize("arguments, words", [
    (["--strategy", "parents"], "--strategy: expected several targets or levels, got the target class alone"),
    (["--strategy", "other", "--levels", "kind,style"], "--strategy"),
    (["--levels", "kind,style", "--error", "0.001", "--folds", "2"], "independent held-out answers"),
])
def test_arguments_that_do_not_fit(arguments, words, folder, store, tmp_path, capsys):
    status, _, messages = call(capsys, train, store, folder, *arguments, "--out", tmp_path / "a.twoflow")
    assert status == 2 and words in messages, messages
    assert not (tmp_path / "a.twoflow").exists()
