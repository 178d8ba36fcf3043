"""Run the benchmarks on a few images; their figures mean nothing here."""

import json
import math
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import embedding
from benchmarks.child import watch_own_memory
from benchmarks.figure import Aim, Figure, NotMeasured
from benchmarks.floors import open_alone, ready_tensors
from benchmarks.measure import Contestant, Times, interleave, ratio
from benchmarks.photos import SIZE, photos
from benchmarks.table import format_table
from twoflow import CNNEmbedding
from twoflow.commands.program import run
from twoflow.images import read_image

# The number of lines of each benchmark that starts no cluster.
LINES = {
    "startup": 3, "first_command": 3, "embedding": 3, "projection": 3, "comparison": 1, "store": 2, "scaling": 3,
    "two_flow": 5, "recipes": 5, "kernel_ridge": 2, "search": 4, "serving": 13, "fine_tuning": 1,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("photographs")


def call(capsys, *arguments):
    try:
        status = run(command.main, [str(argument) for argument in arguments])
    except SystemExit as stop:  # argparse
        status = stop.code
    return status, capsys.readouterr()


@pytest.mark.parametrize("name", LINES)
def test_a_quick_run(name, folder, tmp_path, capsys):
    out = tmp_path / "found.json"
    status, captured = call(capsys, name, "--quick", "--jobs", 2, "--images", folder, "--out", out)
    assert status == 0, captured.err
    document = json.loads(out.read_text("utf-8"))
    figures, missing = document["figures"], document["not_measured"]
    assert len(figures) + len(missing) == LINES[name]
    lines = captured.out.splitlines()
    for figure in figures:
        assert figure["benchmark"] == name and figure["limit"]
        assert min(figure["rounds"]) > 0 and min(figure["rounds"]) <= figure["value"] <= max(figure["rounds"])
        assert all(len(values) == len(figure["rounds"]) for values in figure["seconds"].values())
        [line] = [line for line in lines if line.startswith(f"{figure['name']}  ")]
        printed = re.search(r"([\d,.]+)( x| %| MB| s|)(  |$)", line.removeprefix(figure["name"]))[1].replace(",", "")
        digits = len(printed.partition(".")[2])
        assert math.isclose(float(printed), figure["value"], abs_tol=0.51 * 10**-digits)
        if figure["aim"] is not None:
            assert line.endswith("met" if figure["is_met"] else "missed")
    for entry in missing:
        assert f"{entry['name']}: not measured: {entry['reason']}" in lines
    assert document["environment"]["jobs"] == 2 and document["environment"]["versions"]["onnxruntime"]


def test_a_peer_that_is_not_installed_is_a_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.cluster.find_spec", lambda name: None)
    status, captured = call(capsys, "cluster", "--quick", "--out", tmp_path / "found.json")
    line, reason = "rate, two Dask workers against one", "needs pip install distributed"
    assert status == 0 and f"\ncluster\n{line}: not measured: {reason}\n" in captured.out
    document = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert document["not_measured"] == [{"benchmark": "cluster", "name": line, "reason": reason}]
    assert isinstance(embedding._against_torch(Times({}, {}), {}), NotMeasured)


def test_wrong_arguments_are_one_line(tmp_path, capsys):
    status, captured = call(capsys, "speed")
    assert status == 2 and captured.err.startswith("error: expected benchmarks among startup, ")
    status, captured = call(capsys, "--out", tmp_path / "none/found.json")
    assert status == 2 and "no such file or directory; correct the path" in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports what a process has of its own")
def test_the_memory_of_a_process_and_its_children_is_watched():
    code = "import time; x = bytearray(b'1') * 10**8; print('ready', flush=True); time.sleep(60)"
    with watch_own_memory(0.01) as highest:
        time.sleep(0.2)
        before = highest[-1]
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            time.sleep(0.3)
            child.kill()
    assert 10**8 < highest[-1] - before < 3 * 10**8 and highest == sorted(highest)


def test_contestants_take_turns():
    turns = []
    times = interleave({name: Contestant(lambda name=name: turns.append(name), 10) for name in "ab"}, 2)
    assert turns == list("ababab")
    assert {name: len(seconds) for name, seconds in times.wall.items()} == {"a": 2, "b": 2}


def test_times():
    times = Times({"a": [1, 3, 2], "b": [4, 1, 1]}, {})
    assert (times.fastest("ab"), times.rate("a"), times.sum("a", "b")) == ("b", 0.5, [5, 4, 3])
    assert ratio([1, 3], [2, 2]) == [0.5, 1.5]
    with pytest.raises(ValueError):
        ratio([1], [1, 2])


def test_the_table_says_met_or_missed():
    rounds = [0.5, 0.9, 0.8]
    found = [
        Figure("one", rounds, "x", "none", Aim(">=", 0.8)), Figure("two", rounds, "x", "none", Aim("<=", 0.7)),
        Figure("three", rounds, "x", "none"), NotMeasured("four", "needs luck"),
    ]
    _, _, _, title, one, _, two, _, three, _, four = format_table({"some": found}).splitlines()
    assert title == "some" and four == "four: not measured: needs luck"
    assert "0.80 x" in one and "0.50 to 0.90" in one and one.endswith("met")
    assert two.endswith("missed") and three.endswith("0.90")


def test_photographs(folder):
    first = photos(folder, 6, n_classes=2, n_drawn=4).paths
    again = photos(folder, 8, n_classes=2, n_drawn=4, jobs=2)
    contents = [Path(path).read_bytes() for path in again.paths]
    assert again.paths[:6] == first and len(set(contents)) == 8
    assert all(40_000 < len(content) < 110_000 for content in contents)
    pixels = [read_image(path) for path in again.paths]
    assert pixels[0].shape == (SIZE[1], SIZE[0], 3)
    assert (pixels[4] == pixels[0]).all() and (pixels[2] != pixels[0]).any()
    assert again.labels.tolist() == ["scene000", "scene001"] * 4


def test_onnxruntime_alone_computes_what_the_flow_does(folder):
    paths = photos(folder, 3).paths
    alone = open_alone(1)(ready_tensors(paths))
    np.testing.assert_allclose(alone, CNNEmbedding().transform(paths), rtol=1e-4, atol=1e-4)
