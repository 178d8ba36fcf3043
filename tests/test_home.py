"""A leading ~ is the home folder, wherever a path is taken and no shell has replaced it."""

import json
import os

import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from twoflow import CNNEmbedding, RawPixels, compare, load_folder, load_table, make_shop
from twoflow.commands import cv
from twoflow.commands.program import run
from twoflow.evaluation.saved_folds import read_folds
from twoflow.images import read_image
from twoflow.report import write_report

from .networks.onnx.nets import plain


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder with a shop in it; and a working folder in which no folder called ~ may come to be."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(work)
    make_shop(2, 4, folder="~/shop", random_state=0)
    yield home
    assert os.listdir(work) == []


def test_folders_tables_and_images(home):
    shop = load_folder("~/shop")
    assert len(shop) == 8 and shop.paths[0].startswith(str(home))
    assert load_table("~/shop/labels.csv").paths == load_table("~/shop/labels.csv", "~/shop").paths
    assert (read_image("~/shop/tee/01/0001.jpg") == read_image(shop.paths[0])).all()


def test_stores_networks_and_reports(home):
    shop = load_folder("~/shop")
    RawPixels((2, 2), store="~/kept").fit_transform(shop)
    assert (home / "kept/features.sqlite").is_file()
    plain(home / "net.onnx")
    assert CNNEmbedding("~/net.onnx").fit_transform(shop).shape[0] == 8
    write_report(compare({"a": make_pipeline(RawPixels((2, 2)), RidgeClassifier())}, shop, folds=2), "~/report")
    assert len(read_folds("~/report/report.json").folds) == 2


def test_the_command(home, capsys):
    arguments = ["~/shop", "--methods", "cnn:stage1", "--folds", "2", "--quiet", "--store=~/kept", "--out=~/out"]
    assert run(cv.main, arguments) == 0
    assert json.loads((home / "out/report.json").read_text("utf-8"))["dataset"]["n_images"] == 8
    assert (home / "kept/features.sqlite").is_file()
    assert run(cv.main, [*arguments, "--labels=~/shop/labels.csv", "--folds-from=~/out/report.json"]) == 0
    capsys.readouterr()
