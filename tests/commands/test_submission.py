"""`twoflow predict --submission`: which file is written, and what is said."""

from functools import partial

import pytest

from twoflow import make_shop
from twoflow.commands import predict
from twoflow.commands.program import run

from .calling import call_with


@pytest.fixture
def call(tmp_path, monkeypatch, capsys, model):
    monkeypatch.chdir(tmp_path)
    make_shop(n_classes=4, n_per_class=2, folder=tmp_path / "in", random_state=0)
    for number, image in enumerate(sorted((tmp_path / "in").rglob("*.jpg"))):
        image.rename(image.parent / f"{number}.jpg")
    (tmp_path / "sample.csv").write_text("id,class\n" + "".join(f"{number},x\n" for number in range(8)))
    return partial(call_with, capsys, partial(run, predict.main), model, "--no-store", "--quiet", "--jobs", 1)


def test_the_sample_is_filled(call, tmp_path):
    status, out, err = call("in", "--submission", "sample.csv")
    assert (status, out) == (0, "")
    said = err.splitlines()
    assert said[0] == "8 ids filled: class" and said[-1] == "Written to submission.csv"
    assert said[1].startswith("passed over: files with the ending .csv: 1 (in/labels.csv)")
    written = [line.split(",") for line in (tmp_path / "submission.csv").read_text().splitlines()]
    assert [each for each, _ in written] == ["id", *map(str, range(8))]
    assert {label for _, label in written[1:]} == {"dress/01", "dress/02", "tee/01", "tee/02"}
    status, _, err = call("in", "--submission", "sample.csv")
    assert status == 0 and err.endswith(
        "Written to submission-2.csv; submission.csv is an earlier file, which --overwrite would replace\n"
    )


def test_unfilled(call, tmp_path):
    (tmp_path / "in/tee/02/7.jpg").unlink()
    status, _, err = call("in", "--submission", "sample.csv", "--out", "deep/out.csv")
    assert status == 2 and err.startswith("error: expected a label for every cell of the sample, got none for 1 id")
    assert not list(tmp_path.glob("**/out.csv"))
    status, _, err = call("in", "--submission", "sample.csv", "--out", "deep/out.csv", "--unfilled", "keep")
    assert status == 0 and "left as in the sample: 1 id without an image (7)\n" in err
    assert (tmp_path / "deep/out.csv").read_text().endswith("\n7,x\n")


@pytest.mark.parametrize("arguments, message", [
    (["--id-column", "id"], "--id-column: expected --submission, the sample of a submission, got none; name it"),
    (["--unfilled", "keep"], "--unfilled: expected --submission, "),
    (["--submission", "sample.csv", "--top", "2"], "--top: expected no --submission, whose cells hold labels only"),
    (["--submission", "sample.csv", "--threshold", "0.5"], "--threshold: expected no --submission"),
    (["--submission", "sample.csv", "--rules", "r.toml"], "--rules: expected no --submission"),
    (["--submission", "sample.csv", "--format", "csv"], "--format: expected no --submission"),
    (["--submission", "gone.csv"], "gone.csv: no such file"),
    (["--submission", "sample.csv", "--out", "sample.csv"], "expected a file that is not read, got sample.csv"),
    (["--submission", "sample.csv", "--id-column", "x"], "sample.csv has no column 'x'"),
])
def test_wrong_input(call, tmp_path, arguments, message):
    status, out, err = call("in", *arguments)
    assert (status, out) == (2, "") and message in err and err.count("\n") == 1
    assert not (tmp_path / "submission.csv").exists()
