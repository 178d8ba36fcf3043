"""Progress is a bar on a terminal and in a notebook, a line now and then elsewhere, and nothing if it is not wanted."""

import io
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from twoflow import _progress
from twoflow._progress import Costs, format_seconds, phase
from twoflow.evaluation import compare, make_methods

from .terminal import run_on_terminal

ROOT = Path(__file__).parents[1]


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""
    now = types.SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now.seconds)
    return now


def test_lines_without_a_terminal(clock, capsys):
    with phase("features", 200, "images", n_done=40) as shown:
        for _ in range(16):
            clock.seconds += 10
            shown.update(10)
    # Every 30 seconds, with the time that the rest takes at the speed of this run, and at the end.
    assert capsys.readouterr().err.splitlines() == [
        "features: 70 of 200 images, 30 s, about 2 min 10 s left",
        "features: 100 of 200 images, 1 min 00 s, about 1 min 40 s left",
        "features: 130 of 200 images, 1 min 30 s, about 1 min 10 s left",
        "features: 160 of 200 images, 2 min 00 s, about 40 s left",
        "features: 190 of 200 images, 2 min 30 s, about 10 s left",
        "features: 200 images, 2 min 40 s (40 from the store)",
    ]


def test_an_estimate_and_a_note_of_the_caller(clock, capsys):
    with phase("training", 3, "epochs") as shown:
        clock.seconds += 31
        shown.update(seconds_left=90, note="loss 0.5")
        clock.seconds += 31
        shown.update(seconds_left=float("nan"))
    assert capsys.readouterr().err.splitlines() == [
        "training: 1 of 3 epochs, 31 s, loss 0.5, about 1 min 30 s left", "training: 2 of 3 epochs, 1 min 02 s",
        "training: 2 of 3 epochs, 1 min 02 s",
    ]


def test_a_phase_without_steps_says_only_how_long_it_took(clock, capsys):
    with phase("report"):
        clock.seconds += 2.34
    assert capsys.readouterr().err == "report: 2.3 s\n"


def test_a_phase_that_fails_says_nothing_at_its_end(capsys):
    with pytest.raises(ValueError), phase("features", 2):
        raise ValueError
    assert capsys.readouterr().err == ""


def test_silence(capsys):
    with phase("features", 2, verbose=False) as shown:
        shown.update()
        shown.say("a line")
        shown.update()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("stream", [None, "closed", "failing"])
def test_a_stderr_that_cannot_be_written(monkeypatch, stream):
    class Failing(io.StringIO):
        def write(self, text):
            raise OSError

    found = {None: None, "closed": io.StringIO(), "failing": Failing()}[stream]
    if stream == "closed":
        found.close()
    monkeypatch.setattr(sys, "stderr", found)
    with phase("features", 1) as shown:
        shown.update()


SCRIPT = """
from twoflow._progress import phase
with phase("features", 4, "images", n_done=1) as shown:
    for _ in range(3):
        shown.update()
    shown.say("fast: accuracy 0.990")
"""


def test_a_bar_on_a_terminal():
    status, shown = run_on_terminal([sys.executable, "-c", SCRIPT], env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert status == 0
    assert "features:  25% |" in shown and "1/4 images" in shown and "\r" in shown
    lines = [line.rpartition("\r")[2] for line in shown.splitlines()]
    assert "fast: accuracy 0.990" in lines and any(line.startswith("features: 4 images, ") for line in lines)


def test_a_notebook_without_ipywidgets():
    """Its stderr is no terminal. tqdm warns of the missing widgets, which is no use to anybody; a bar of text is."""
    notebook = f"""
import sys, types, warnings
warnings.simplefilter("error")
class ZMQInteractiveShell:
    config = {{"IPKernelApp": {{}}}}
sys.modules["IPython"] = types.ModuleType("IPython")
sys.modules["IPython"].get_ipython = ZMQInteractiveShell
sys.modules["ipykernel.zmqshell"] = types.ModuleType("zmqshell")
sys.modules["ipywidgets"] = None
{SCRIPT}"""
    done = subprocess.run([sys.executable, "-c", notebook], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0 and "features:  25% |" in done.stderr and "Warning" not in done.stderr, done.stderr


def test_costs_are_those_of_the_same_kind():
    costs = Costs(["slow"] * 3 + ["fast"] * 5)
    assert costs.seconds_left(0.0) != costs.seconds_left(0.0)  # NaN
    costs.finish("slow", 100.0)
    assert costs.seconds_left(100.0) != costs.seconds_left(100.0), "no fold of the other method is known"
    costs.finish("fast", 1.0)
    assert costs.seconds_left(101.0) == pytest.approx(2 * 100 + 4 * 1)
    assert costs.seconds_left(50.5) == pytest.approx((2 * 100 + 4 * 1) / 2), "two workers"
    costs.finish("fast", 3.0)
    assert costs.seconds_left(104.0) == pytest.approx(2 * 100 + 3 * 2)


def test_costs_of_an_earlier_run_count_until_this_run_has_measured():
    costs = Costs(["slow", "slow", "fast"])
    costs.know("slow", 10.0)
    costs.know("fast", 1.0)
    costs.finish("fast", 2.0)
    assert costs.seconds_left(2.0) == pytest.approx(20)
    costs.finish("slow", 30.0)
    assert costs.seconds_left(32.0) == pytest.approx(30)


@pytest.mark.parametrize("seconds, text", [(9.94, "9.9 s"), (9.95, "10 s"), (59.4, "59 s"), (59.5, "1 min 00 s"),
                                           (3599.6, "1 h 00 min"), (86400, "24 h 00 min")])
def test_durations(seconds, text):
    assert format_seconds(seconds) == text


def test_a_comparison_names_its_phases_and_each_finished_method(shop, capsys):
    methods = make_methods(["projection", "mid-level"])
    compare(methods, shop, folds=2, verbose=True)
    names = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert [name for i, name in enumerate(names) if name not in names[:i]] == [
        "features", "duplicates", "flows that learn", "projection", "mid-level", "scoring",
    ]
    compare({"projection": methods["projection"]}, shop, folds=2)
    assert capsys.readouterr() == ("", "")
