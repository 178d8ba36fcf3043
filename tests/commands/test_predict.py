"""The command: what is written, what is said, and how it goes on."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from functools import partial

import pytest

from twoflow import load_table, make_shop
from twoflow.commands import predict
from twoflow.commands.program import run
from twoflow.predicting import predictor, writing

from ..terminal import default_signals, run_on_terminal
from .calling import call_with

QUIET = ("--no-store", "--quiet", "--jobs", "1")


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A working folder with the folder `in` of eight images, one of them unreadable, and a table of them."""
    monkeypatch.chdir(tmp_path)
    make_shop(n_classes=4, n_per_class=2, folder=tmp_path / "in", random_state=0)
    images = sorted((tmp_path / "in").rglob("*.jpg"))
    images[3].write_bytes(b"no image")
    return tmp_path


@pytest.fixture
def call(capsysbinary, model):
    def call(*arguments):
        status, out, err = call_with(capsysbinary, partial(run, predict.main), model, *arguments, *QUIET)
        return status, out.decode(), err.decode()

    return call


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("out", ["in/labels.csv", "./in/labels.csv", "link.csv"])
def test_a_file_that_is_read_is_never_replaced(out, work, call):
    (work / "link.csv").symlink_to("in/labels.csv")
    before = (work / "in/labels.csv").read_bytes()
    status, _, err = call("in/labels.csv", "--out", out, "--overwrite")
    assert (status, err) == (2, f"error: --out: expected a file that is not read, got {out}; name another file\n")
    assert (work / "in/labels.csv").read_bytes() == before


def test_a_table_on_stdout(work, call):
    status, out, err = call("in")
    found = rows(out)
    labels = load_table(work / "in/labels.csv")
    assert status == 0 and [row["path"] for row in found] == sorted(os.path.relpath(path) for path in labels.paths)
    truth = dict(zip(map(os.path.relpath, labels.paths), labels.labels.tolist()))
    right = [row["class_label"] == truth[row["path"]] for row in found]
    assert right == [True] * 3 + [False] + [True] * 4 and found[3]["error"].startswith("not an image")
    assert err.startswith("8 images; 1 unreadable; 7 answered; ") and " images per second\npassed over: " in err
    assert err.endswith("(in/labels.csv)\nWritten to standard output\n")


def test_a_file_has_the_same_bytes(work, call):
    _, out, _ = call("in", "--top", "1")
    status, printed, err = call("in", "--top", "1", "--out", "deep/out.csv")
    assert (status, printed) == (0, "") and err.endswith("\nWritten to deep/out.csv\n")
    assert (work / "deep/out.csv").read_bytes().decode() == out


def test_lines_of_json(work, call):
    _, out, _ = call("in", "--format", "jsonl")
    call("in", "--out", "out.jsonl")
    assert (work / "out.jsonl").read_text() == out
    assert [json.loads(line)["path"] for line in out.splitlines()] == [row["path"] for row in rows(call("in")[1])]


def test_a_mix_of_inputs_in_their_order(work, call, monkeypatch):
    names = b"in/./a\nb.jpg\0gone.jpg\0"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(names)))
    first = rows(call("in")[1])[0]["path"]
    _, out, err = call("gone.png", "-", "-0", first, "in/labels.csv")
    found = rows(out)
    assert [row["path"] for row in found[:4]] == ["gone.png", "in/./a\nb.jpg", "gone.jpg", first]
    assert [row["error"] for row in found[:4]] == ["no such file or directory"] * 3 + [""]
    assert len(found) == 12 and err.startswith("12 images; 4 unreadable; ")


def test_items(work, call):
    (work / "t.csv").write_text("item,photo\n" + "".join(
        f"{'=1' if i % 3 else 'b'},{row['path']}\n" for i, row in enumerate(rows(call("in")[1]))
    ))
    _, out, err = call("t.csv", "--image-column", "photo", "--group-column", "item")
    found = rows(out)
    assert [(row["group"], row["n_images"]) for row in found] == [("b", "2"), ("'=1", "5")]
    assert found[0]["error"].startswith("1 of 3 images cannot be read: in/") and not found[1]["error"]
    assert err.startswith("8 images of 2 items; 1 unreadable; 2 answered; ")


def test_threshold_and_rules(work, call):
    (work / "rules.toml").write_text('[[rules]]\ndecision = "denied"\nunknown = true\n')
    _, out, err = call("in", "--threshold", "1", "--rules", "rules.toml", "--top", "2")
    found = rows(out)
    assert {row["class_label"] for row in found} == {"unknown", ""} and {row["class_level"] for row in found} == {""}
    assert found[0]["class_reason"].startswith("no class reaches 1.00: the likeliest, ")
    assert [row["decision"] for row in found] == ["denied"] * 3 + [""] + ["denied"] * 4
    assert {row["rule"] for row in found if row["rule"]} == {"rule 1: unknown"}
    assert err.startswith("8 images; 1 unreadable; 7 unknown; 7 denied; ")


def test_an_earlier_file_is_not_replaced(work, call):
    (work / "out.csv").write_text("earlier")
    _, _, err = call("in", "--out", "out.csv")
    assert err.endswith("Written to out-2.csv; out.csv is an earlier file, which --overwrite would replace\n")
    assert (work / "out.csv").read_text() == "earlier"
    _, _, err = call("in", "--out", "out.csv", "--overwrite")
    assert err.endswith("Written to out.csv; it replaces an earlier file\n")
    assert (work / "out.csv").read_bytes() == (work / "out-2.csv").read_bytes()


def test_a_person_is_asked(work, model):
    (work / "out.csv").write_text("earlier")
    command = [sys.executable, "-m", "twoflow", "predict", str(model), "in", "--out", "out.csv", *QUIET]
    status, shown = run_on_terminal(command, "default b] ", "o\n", env=environment())
    assert status == 0 and "out.csv was written 2" in shown and "Overwrite it, write beside it to out-2.csv" in shown
    assert (work / "out.csv").read_text().startswith("path,")


def test_an_interrupted_run_goes_on(work, call, monkeypatch):
    monkeypatch.setattr(predictor, "BLOCK", 1)
    monkeypatch.setattr(writing, "_COMMIT_EVERY_S", 0.0)
    call("in", "--out", "expected.csv")
    answer, calls = predictor.Predictor._answer_blocks, []

    def interrupt(self, blocks):
        calls.append(blocks)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return answer(self, blocks)

    with monkeypatch.context() as context:
        context.setattr(predictor.Predictor, "_answer_blocks", interrupt)
        status, out, err = call("in", "--out", "out.csv")
    assert (status, out) == (130, "")
    assert err == "interrupted; 3 images are done, in out.csv.part; repeat the command to go on\n"
    status, _, err = call("in", "--out", "out.csv", "--top", "1")
    assert status == 2 and err.startswith("error: out.csv.part is from an interrupted run with another --top; repeat")
    status, _, err = call("in", "--out", "out.csv")
    assert status == 0 and "; 3 of them in an earlier attempt; " in err
    assert (work / "out.csv").read_bytes() == (work / "expected.csv").read_bytes()
    assert sorted(path.name for path in work.glob("out*")) == ["out.csv"]


KILLED = """
import os, signal, sys
from twoflow.commands import predict
from twoflow.commands.program import run
from twoflow.predicting import predictor, resume, writing

predictor.BLOCK = predictor._MOST_BLOCKS = 1
writing._COMMIT_EVERY_S = 0.0
kill_at, number = sys.argv.pop(1), int(sys.argv.pop(1))
if number:
    owner, _, name = kill_at.partition(".")
    owner = {"file": resume.ResumableFile, "path": resume.Path, "os": os}[owner]
    called, original = [], getattr(owner, name)

    def call_or_die(*arguments, **options):
        called.append(1)
        if len(called) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)

    setattr(owner, name, call_or_die)
sys.exit(run(predict.main))
"""


def test_it_goes_on_after_kills(work, model):
    """The same command again and again, killed each time at another step; the file is the same to the byte."""

    def run(out, *kill_at):
        command = [sys.executable, "-c", KILLED, *kill_at, str(model), "in", "--out", out, *QUIET]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True)
        assert done.returncode == (-signal.SIGKILL if kill_at[0] else 0), done.stderr

    run("expected.csv", "", "0")  # in blocks of the same size, as they are rounded alike
    for kill_at in (("file.write", "3"), ("os.fsync", "4"), ("path.replace", "1"), ("file.finish", "1"), ("", "0")):
        run("out.csv", *kill_at)
    assert (work / "out.csv").read_bytes() == (work / "expected.csv").read_bytes()
    assert sorted(path.name for path in work.glob("out*")) == ["out.csv"]


def test_head_ends_quietly(work, model):
    """Of a list that would never end."""
    names = f"yes {next((work / 'in').rglob('*.jpg'))}"
    command = f"{names} | {sys.executable} -m twoflow predict {model} - {' '.join(QUIET)} | head -n 2"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[1]}}"], env=environment(), capture_output=True, text=True,
        preexec_fn=default_signals, timeout=300,
    )
    header, row, status = done.stdout.splitlines()
    assert header.startswith("path,class_label") and row.startswith(str(work)) and (status, done.stderr) == ("141", "")


@pytest.mark.parametrize("arguments, message", [
    (["nope"], "expected an image, a folder or a table, got nope, which does not exist; correct the path"),
    (["in", "--out", "o.json"], "--out: expected a name that ends in .csv or .jsonl, got o.json; name the --format"),
    (["in", "--group-column", "x"], "--group-column needs a table of images"),
    (["in", "--threshold", "2"], "argument --threshold: expected a number from 0 to 1, got '2'"),
    (["in", "--threshold", "-0.1"], "argument --threshold: expected a number from 0 to 1, got '-0.1'"),
    (["in", "--threshold", "-1e-3"], "argument --threshold: expected a number from 0 to 1, got '-1e-3'"),
    (["in", "--digest", "0" * 64], "expected SHA-256 0000"),
    (["in", "--rules", "gone.toml"], "gone.toml"),
    (["in/labels.csv", "--image-column", "x"], "labels.csv has no column 'x'"),
    ([], "the following arguments are required: IMAGES"),
])
def test_wrong_input(work, call, arguments, message):
    status, out, err = call(*arguments)
    assert (status, out) == (2, "") and message in err and err.count("\n") == 1


def test_an_empty_list(work, call, monkeypatch):
    for options in ([], ["--out", "out.csv"]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n")))
        status, out, err = call("-", *options)
        assert (status, out) == (2, "") and err.startswith("error: expected at least one image, got an empty list; ")
    assert not list(work.glob("out*"))


@pytest.mark.parametrize("streams", ["<&-", "2>&-", "2>/dev/full", "<&- 2>&-"])
def test_streams_that_are_closed_or_full(work, model, streams):
    """What cannot be said on stderr is no failure: the answers are there."""
    image = next(path for path in (work / "in").rglob("*.jpg") if path.stat().st_size > 100)
    command = f'"{sys.executable}" -m twoflow predict "{model}" "{image}" {" ".join(QUIET)} {streams}'
    done = subprocess.run(["bash", "-c", command], env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert len(rows(done.stdout)) == 1


def test_a_list_on_a_closed_stdin_is_empty(work, model):
    command = f'"{sys.executable}" -m twoflow predict "{model}" - {" ".join(QUIET)} <&-'
    done = subprocess.run(["bash", "-c", command], env=environment(), capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith("error: expected at least one image, ")


def test_odd_names(work, call):
    odd = os.fsdecode(b"in/=1,\n\xff\xe2\x80\xae.jpg")
    sorted((work / "in").rglob("*.jpg"))[0].rename(odd)
    found = rows(call(odd)[1])
    assert [row["path"] for row in found] == [odd.encode("utf-8", "backslashreplace").decode()]
    assert json.loads(call(odd, "--format", "jsonl")[1])["path"] == odd
    assert not found[0]["error"]


def environment():
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
