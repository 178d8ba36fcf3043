"""Call the command twoflow datasets as a person or a script would."""

import json
import re
from functools import partial

import numpy as np
import pytest

from twoflow import make_shop
from twoflow.commands import cv
from twoflow.commands import datasets as command
from twoflow.commands.program import run

from ..evaluation.datasets.reports import write_reports
from .calling import call_with


def call(capsys, *arguments):
    """Return the command's exit status, standard output and standard error."""
    return call_with(capsys, partial(run, command.main), *arguments)


@pytest.fixture
def reports(tmp_path):
    rng = np.random.default_rng(0)
    table = np.array([0.9, 0.8, 0.6]) + rng.uniform(-0.02, 0.02, size=(7, 3))
    return write_reports(tmp_path, table, ["fast", "cnn", "pixels"])


def test_reports_of_the_command_cv(tmp_path, capsys):
    """What cv writes can be read."""
    for number in (1, 2):
        shop = tmp_path / f"shop{number}"
        make_shop(n_classes=3, n_per_class=4, folder=shop, random_state=number)
        arguments = [shop, "--methods", "cnn,cnn:stage1", "--folds", 2, "--out", tmp_path / f"report{number}",
                     "--jobs", 1, "--quiet", "--no-store"]
        cv.main([str(argument) for argument in arguments])
    capsys.readouterr()
    folders = [tmp_path / "report1", tmp_path / "report2"]
    status, out, err = call(capsys, *folders, "--out", tmp_path / "out")
    assert (status, err) == (0, "") and " has the best mean rank" in out
    found = json.loads((tmp_path / "out/datasets.json").read_text("utf-8"))
    for entry, folder in zip(found["datasets"], folders):
        document = json.loads((folder / "report.json").read_text("utf-8"))
        means = {method["name"]: method["scores"]["accuracy"]["mean"] for method in document["methods"]}
        assert entry["name"] == folder.name and entry["n_images"] == 12 and entry["n_classes"] == 3
        assert entry["scores"] == [means[method["name"]] for method in found["methods"]]


def test_files_and_output(reports, tmp_path, capsys):
    status, out, err = call(capsys, *reports, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    assert out.startswith("fast has the best mean rank, 1.00 of 3, over 7 data sets")
    assert out.endswith(f"\nWritten to {tmp_path / 'out'}: datasets.json, datasets.csv, datasets.html\n")
    found = json.loads((tmp_path / "out/datasets.json").read_text("utf-8"))
    assert found["command"].startswith(f"twoflow datasets {reports[0]} ")


def test_names_scores_and_methods(reports, tmp_path, capsys):
    status, out, _ = call(
        capsys, f"shoes={reports[0]}", f"bags={reports[1] / 'report.json'}", reports[2], "--methods", "cnn,pixels",
        "--margin", 0.05, "--score", "accuracy", "--out", tmp_path / "out",
    )
    found = json.loads((tmp_path / "out/datasets.json").read_text("utf-8"))
    assert status == 0 and [each["name"] for each in found["datasets"]] == ["shoes", "bags", "set3"]
    assert [each["name"] for each in found["methods"]] == ["cnn", "pixels"] and found["margin"] == 0.05


@pytest.mark.parametrize("text, expected", [
    ("a=b", ("a", "b")),
    ("a=b=c/d", ("a", "b=c/d")),
    ("./a=b/report.json", (None, "./a=b/report.json")),
    ("a\\b=c", (None, "a\\b=c")),
    ("folder", (None, "folder")),
])
def test_a_name_before_a_path(text, expected):
    assert command.named_path(text) == expected


@pytest.mark.parametrize("arguments, message", [
    ([], r"the following arguments are required: \[NAME=\]REPORT; see twoflow datasets --help"),
    (["=a"], "expected NAME=PATH or a path, got '=a'"),
    (["a="], "expected NAME=PATH or a path, got 'a='"),
    (["a", "--margin", "0"], "expected a number above 0, such as 0.01, got '0'"),
    (["a", "--margin", "nan"], "expected a number above 0, such as 0.01, got 'nan'"),
    (["a", "--seed", "-1"], "expected an integer of at least 0"),
    (["none", "other"], "cannot read .*none: no such file or directory; name the folder"),
])
def test_wrong_arguments(capsys, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(capsys, *arguments)
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert re.match(f"error: .*{message}", err), err
    assert not list(tmp_path.iterdir())


def test_a_wrong_report_is_one_line(reports, capsys, tmp_path):
    (reports[1] / "report.json").write_text('{"schema": 1}')
    status, out, err = call(capsys, *reports, "--out", tmp_path / "out")
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert err.startswith(f"error: {reports[1] / 'report.json'}: expected the report.json of twoflow cv, got schema 1")
    assert not (tmp_path / "out").exists()


def test_an_earlier_report_is_not_replaced_in_silence(reports, tmp_path, capsys):
    out = tmp_path / "out"
    assert call(capsys, *reports, "--out", out)[0] == 0
    first = (out / "datasets.json").read_bytes()
    status, said, _ = call(capsys, *reports[1:], "--out", out)
    assert status == 0 and f"Written to {tmp_path / 'out-2'}: " in said and "--overwrite would replace" in said
    assert (out / "datasets.json").read_bytes() == first != (tmp_path / "out-2/datasets.json").read_bytes()


def test_a_seed_gives_the_same_files(reports, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    contents = []
    for _ in range(2):
        assert call(capsys, *(report.name for report in reports), "--seed", 3, "--overwrite")[0] == 0
        contents.append([path.read_bytes() for path in sorted((tmp_path / "twoflow-datasets").iterdir())])
    assert contents[0] == contents[1] and len(contents[0]) == 3
