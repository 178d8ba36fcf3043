"""`twoflow predict --explain`: the reasons for each answer, beside the answers."""

import csv
import json
from functools import partial

import numpy as np
import pytest
from PIL import Image

from twoflow.commands import predict
from twoflow.commands.program import run

from .calling import call_with

QUIET = ("--no-store", "--quiet", "--jobs", "1")


@pytest.fixture
def call(capsysbinary, model, shop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new").mkdir()
    for i, image in enumerate(shop.images[:2]):
        (tmp_path / "new" / f"{i}").mkdir()
        Image.fromarray(image).save(tmp_path / "new" / f"{i}" / "same.jpg")
    (tmp_path / "new" / "bad.jpg").write_bytes(b"no image")

    def call(*arguments):
        status, _, err = call_with(
            capsysbinary, partial(run, predict.main), model, "new", *arguments, *QUIET
        )
        return status, err.decode()

    return call


def test_every_image_has_its_reasons_or_its_error(call, tmp_path):
    status, err = call("--explain", "why")
    assert status == 0 and "why: index.html (1 page)" in err and "1 unreadable" in err
    lines = [json.loads(line) for line in (tmp_path / "why/explanations.jsonl").read_text("utf-8").splitlines()]
    with open(tmp_path / "why/predictions.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [line["name"] for line in lines] == [row["path"] for row in rows] == [
        "new/0/same.jpg", "new/1/same.jpg", "new/bad.jpg"]
    for line, row in zip(lines[:2], rows):
        reason, = line["reasons"]
        assert reason["label"] == row["class_label"]
        parts = np.sum(reason["map"]["contributions"]) + sum(each["without_place"] for each in reason["flows"])
        assert reason["method"] == "exact" and parts + reason["constant"] == pytest.approx(reason["score"], abs=1e-3)
        assert (tmp_path / "why" / reason["map"]["file"]).stat().st_size > 100
    assert lines[2]["reasons"] == [] and lines[2]["error"] == rows[2]["error"]
    assert (tmp_path / "why/index.html").read_text("utf-8").count('class="explanation"') == 2


def test_an_earlier_folder_is_kept_unless_it_is_to_be_overwritten(call, tmp_path):
    (tmp_path / "why").mkdir()
    (tmp_path / "why/index.html").write_text("earlier")
    assert "why-2: index.html" in call("--explain", "why")[1]
    assert (tmp_path / "why/index.html").read_text() == "earlier"
    call("--explain", "why", "--overwrite")
    assert "earlier" not in (tmp_path / "why/index.html").read_text("utf-8")


@pytest.mark.parametrize("arguments, said", [
    (("--explain", "why", "--out", "a.csv"), "leave --out out"),
    (("--explain", "why", "--format", "jsonl"), "leave --format out"),
    (("--training", "new"), "--training needs --explain"),
])
def test_what_cannot_be_combined_is_one_line(call, tmp_path, arguments, said):
    status, err = call(*arguments)
    assert status != 0 and said in err and len(err.strip().splitlines()) == 1
    assert not (tmp_path / "why").exists()


def test_below_the_threshold_the_likeliest_class_is_explained_and_said(call, tmp_path):
    call("--explain", "why", "--threshold", "1")
    page = (tmp_path / "why/index.html").read_text("utf-8")
    assert "The answer is unknown" in page and "The reasons are those of the likeliest class." in page
