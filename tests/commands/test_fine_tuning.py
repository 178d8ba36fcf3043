"""Train and compare networks that are fine-tuned, from the command line, at 32 pixels and for one or two epochs."""

import json
from functools import partial
from pathlib import Path

import pytest

from twoflow import load_folder, make_shop
from twoflow.commands import cv, train
from twoflow.commands.program import run
from twoflow.models.model_file import open_model_file
from twoflow.store.trainings import Trainings

from ..deep.conftest import torch  # noqa: F401
from .calling import call_with

QUICK = ("--input-size", 32, "--epochs", 1, "--quiet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos") / "shop"
    make_shop(n_classes=3, n_per_class=6, folder=folder, random_state=0)
    return folder


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr("twoflow.deep.extra._is_installed", lambda name: True)


def call(capsys, command, *arguments):
    return call_with(capsys, partial(run, command.main), *arguments)


def test_from_a_folder_to_a_file(torch, folder, tmp_path, capsys):  # noqa: F811
    """The model depends neither on the jobs nor on where trainings are kept."""
    arguments = (folder, "--recipe", "fine-tuned", "--augment", "none", *QUICK, "--out")
    first, again = tmp_path / "first.twoflow", tmp_path / "again.twoflow"
    status, out, err = call(capsys, train, *arguments, first, "--jobs", 2, "--store", tmp_path / "store")
    assert (status, err) == (0, "")
    assert "Fine-tuned for 1 epoch; the weights are of epoch " in out
    assert "No fold was tried (--folds 5 tries 5, each by a training of its own), so the file says nothing" in out
    assert Trainings(tmp_path / "store").describe().n_trainings == 1
    assert call(capsys, train, *arguments, again, "--jobs", 1, "--no-store")[0] == 0
    shop, found = load_folder(folder), [open_model_file(path).model for path in (first, again)]
    assert found[0].checkpoint is None  # a folder of this machine
    assert (found[0].predict_proba(shop) == found[1].predict_proba(shop)).all()


def test_a_comparison(torch, folder, tmp_path, capsys):  # noqa: F811
    status, out, _ = call(
        capsys, cv, folder, "--methods", "fine-tuned,cnn", "--folds", 2, *QUICK, "--train-stages", "head", "--jobs", 1,
        "--no-store", "--out", tmp_path / "report",
    )
    document = json.loads(Path(tmp_path / "report/report.json").read_text("utf-8"))
    methods = {method["name"]: method for method in document["methods"]}
    assert status == 0 and len(methods["fine-tuned"]["training"]) == 2
    assert 0 <= methods["fine-tuned"]["train_accuracy"]["mean"] <= 1 and methods["fine-tuned"]["fit_seconds"] > 0


@pytest.mark.parametrize("command, arguments, message", [
    (train, ["--epochs", 3], "--epochs: expected a network that is fine-tuned, got none; take --recipe fine-tuned"),
    (train, ["--recipe", "best", "--backbone", "resnet-18", "--input-size", 64],
     "--input-size and --backbone: expected a network that is fine-tuned, got none; take --recipe fine-tuned"),
    (train, ["--recipe", "fine-tuned", "--head", "lda"], "--head: expected a recipe of flows, got fine-tuned, wh"),
    (train, ["--recipe", "fine-tuned", "--max-per-class", 3], "--max-per-class: expected a recipe of flows, got fin"),
    (train, ["--recipe", "fine-tuned", "--network", "efficientnet-lite1"], "--network: expected a recipe with frozen"),
    (train, ["--recipe", "fine-tuned", "--error", 0.1], "--error: expected images that the model is tried on, got n"),
    (train, ["--recipe", "fine-tuned+best", "--backbone", "efficientnet-lite7"], "there is no backbone 'efficientnet"),
    (train, ["--recipe", "fine-tuned", "--train-stages", "all"], "expected whole, head or a number of stages, got 'al"),
    (train, ["--recipe", "fine-tuned", "--train-stages", 99], 'expected train="head", "whole", or how many of its 9'),
    (cv, ["--methods", "cnn", "--augment", "mirror"], "--augment: expected a network that is fine-tuned, got none; a"),
    (cv, ["--methods", "fine-tuned:resnet-19"], "there is no backbone 'resnet-19'; did you mean 'resnet-18'"),
])
def test_bad_arguments(command, arguments, message, installed, folder, tmp_path, capsys):
    status, out, err = call(capsys, command, folder, *arguments, "--no-store", "--out", tmp_path / "out")
    assert (status, out) == (2, "") and message in err and err.count("\n") == 1


def test_without_the_extra(monkeypatch, folder, tmp_path, capsys):
    monkeypatch.setattr("twoflow.deep.extra._is_installed", lambda name: False)
    status, _, err = call(capsys, train, folder, "--recipe", "fine-tuned", "--out", tmp_path / "out", "--no-store")
    assert status == 2 and err.startswith("error: the method 'fine-tuned' needs torch") and "twoflow[torch]" in err
