"""A second report never replaces the first in silence."""

import os
import re
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from twoflow import make_shop
from twoflow.commands import audit, cv
from twoflow.commands.output import choose_output
from twoflow.errors import OutsideError
from twoflow.report import AUDIT_FILES, REPORT_FILES

from ..terminal import run_on_terminal
from .test_cv import QUICK, call

ROOT = Path(__file__).parents[2]


@pytest.fixture
def out(tmp_path):
    """A folder with an earlier report."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.json").write_text("earlier")
    (folder / "notes.txt").write_text("the user's")
    return folder


def choose(out, overwrite=False, files=("report.json", "scores.csv")):
    return choose_output(Namespace(out=str(out), overwrite=overwrite), files)


def test_a_folder_without_a_report_is_taken(tmp_path):
    assert choose(tmp_path / "deep" / "out") == (tmp_path / "deep" / "out", "")
    (tmp_path / "deep/out/other.json").write_text("")
    assert choose(tmp_path / "deep" / "out") == (tmp_path / "deep" / "out", "")


def test_beside_an_earlier_report_without_a_terminal(out):
    beside, note = choose(out)
    assert beside == out.with_name("out-2") and beside.is_dir()
    assert note == f"; {out} has an earlier report, which --overwrite would replace"
    (beside / "scores.csv").write_text("")
    assert choose(out).path == out.with_name("out-3")
    assert (out / "report.json").read_text() == "earlier"


@pytest.mark.parametrize("name, beside", [(".", "out-2"), ("deep/..", "out-2"), ("./", "out-2")])
def test_beside_the_working_folder(out, monkeypatch, name, beside):
    (out / "deep").mkdir()
    monkeypatch.chdir(out)
    assert choose(name).path == out.with_name(beside)


def test_what_is_beside_is_left_alone(out):
    out.with_name("out-2").write_text("a file of the user")
    assert choose(out).path == out.with_name("out-3")


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_in_place_of_a_file_is_found_before_the_work(tmp_path, overwrite):
    (tmp_path / "out/scores.csv").mkdir(parents=True)
    with pytest.raises(OutsideError, match="scores.csv: expected no such folder, .*; name another output folder"):
        choose(tmp_path / "out", overwrite)


def test_the_folder_is_a_file(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutsideError, match="output folder .*out: not a directory; name another one"):
        choose(tmp_path / "out")


def test_overwriting_takes_the_folder_of_an_earlier_report(out):
    assert choose(out, overwrite=True) == (out, "; they replace an earlier report")


ASK = """
import sys
from argparse import Namespace
from twoflow.commands.output import choose_output
from twoflow.commands.program import run

def main(argv):
    print("chosen:", choose_output(Namespace(out=argv[0], overwrite=False), ["report.json"]).path.name)

sys.exit(run(main, sys.argv[1:]))
"""


@pytest.mark.parametrize("answer, chosen", [("o", "out"), ("b", "out-2"), ("", "out-2"), ("x\nOverwrite", "out")])
def test_the_answer_to_the_question_chooses_the_folder(out, answer, chosen):
    status, shown = ask(out, f"{answer}\n")
    written = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    question = rf"{out} has a report of {written}\. Overwrite it, write beside it to {out}-2, or stop\? \[o/b/s, "
    assert status == 0 and re.search(question, shown) and f"chosen: {chosen}\r\n" in shown, shown


@pytest.mark.parametrize("answer", ["s\n", "\x03"], ids=["stop", "Ctrl-C"])
def test_an_answer_that_stops_writes_nothing(out, answer):
    status, shown = ask(out, answer)
    assert status == 130 and "interrupted; nothing was written" in shown and "chosen" not in shown
    assert not out.with_name("out-2").exists()


def ask(out, answers):
    command = [sys.executable, "-c", ASK, str(out)]
    return run_on_terminal(command, "default b] ", answers, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.mark.parametrize("main, names", [(cv.main, REPORT_FILES), (audit.main, AUDIT_FILES)], ids=["cv", "audit"])
def test_the_question_comes_before_the_work(tmp_path, monkeypatch, main, names):
    """Nothing is loaded before the folder is chosen."""
    class Chosen(Exception):
        pass

    def chosen(arguments, files):
        assert files == names
        raise Chosen

    monkeypatch.setattr(sys.modules[main.__module__], "choose_output", chosen)
    with pytest.raises(Chosen):
        main([str(tmp_path / "no folder")])


def test_two_runs_and_an_overwriting_one(tmp_path, capsys):
    make_shop(n_classes=3, n_per_class=4, folder=tmp_path / "shop", random_state=0)
    arguments = [tmp_path / "shop", *QUICK, "--out", tmp_path / "out"]
    assert call(capsys, *arguments)[0] == 0
    stale = tmp_path / "out" / "predictions.csv"
    stale.write_text("of an older run")
    (tmp_path / "out/notes.txt").write_text("the user's")
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    _, printed, _ = call(capsys, *arguments)
    assert f"Written to {tmp_path / 'out-2'}: " in printed and "which --overwrite would replace\n" in printed
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    _, printed, _ = call(capsys, *arguments, "--seed", "1", "--overwrite")
    assert f"Written to {tmp_path / 'out'}: " in printed and "; they replace an earlier report\n" in printed
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == sorted([*(path.name for path in (tmp_path / "out-2").iterdir()), "notes.txt"])
    assert not stale.exists() or stale.read_text() != "of an older run"
