"""Run commands as programs: streams, signals, errors and exit status."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from twoflow import make_shop
from twoflow.commands.program import run
from twoflow.errors import InputError, MissingExtraError

from ..terminal import default_signals

CV = ["-m", "twoflow.cv", "--methods", "cnn:stage1", "--folds", "2", "--no-store", "--out", "out"]


@pytest.fixture(scope="module")
def shop_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop") / "shoes"
    make_shop(n_classes=3, n_per_class=6, folder=folder, random_state=0)
    return folder


def call(arguments, folder, **options):
    return subprocess.run([sys.executable, *map(str, arguments)], cwd=folder, capture_output=True, **options)


def files(folder):
    return sorted(path.name for path in folder.glob("out/*"))


REPORT = ["predictions.csv", "report.html", "report.json", "report.txt", "scores.csv"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_whose_encoding_lacks_characters_of_a_name(shop_folder, tmp_path, encoding):
    shop = tmp_path / "shop"
    make_shop(n_classes=2, n_per_class=4, folder=shop, random_state=0)
    (shop / "tee/01").rename(shop / "tee/\N{CJK UNIFIED IDEOGRAPH-9774}")
    (shop / "tee/02/\N{CJK UNIFIED IDEOGRAPH-9774}.jpg").write_bytes(b"")
    done = call([*CV, shop, "--quiet"], tmp_path, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u9774.jpg: the file is empty" in done.stdout and files(tmp_path) == REPORT


@pytest.mark.parametrize("command", ["cv", "audit"])
def test_names_that_are_not_utf_8_or_control_a_terminal(tmp_path, command):
    shop = tmp_path / "shop"
    make_shop(n_classes=2, n_per_class=4, folder=shop, random_state=0)
    try:
        os.rename(os.fsencode(shop / "tee/01"), os.fsencode(shop / "tee") + b"/caf\xe9")
    except OSError:
        pytest.skip("this file system takes no name that is not UTF-8")
    (shop / "tee/02/\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}gpj.jpg").write_bytes(b"")
    methods = ["--methods", "cnn:stage1", "--folds", "2"] if command == "cv" else []
    done = call(["-m", "twoflow", command, shop, *methods, "--no-store", "--quiet", "--out", "out"], tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    for text in (done.stdout, *(path.read_bytes() for path in tmp_path.glob("out/*.txt"))):
        assert b"\\x1b[2J\\u202egpj.jpg" in text and b"\x1b" not in text and "\u202e".encode() not in text


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(shop_folder, tmp_path, closed):
    """Progress goes to stderr. What a library prints must not end up in a file that the command writes."""
    line = f'"{sys.executable}" {" ".join(CV)} "{shop_folder}" {closed}'
    done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0 and files(tmp_path) == REPORT
    assert "\n\n18 images" in (tmp_path / "out/report.txt").read_text("utf-8")


def test_the_reader_of_a_pipe_leaves(shop_folder, tmp_path):
    line = f'"{sys.executable}" {" ".join(CV)} --quiet "{shop_folder}" | head -n 1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True)
    # The reader may also read the whole table before it leaves.
    assert done.returncode in (0, 141) and done.stderr == b"" and files(tmp_path) == REPORT


class Left(io.StringIO):
    """A stream whose reader has left, which a flush detects."""

    def flush(self):
        raise BrokenPipeError

    def fileno(self):
        return os.open(os.devnull, os.O_WRONLY)


def test_the_reader_leaves_before_the_last_line(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Left())
    assert run(lambda argv: print("the last line")) == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_the_report_is_written_if_the_result_cannot_be_printed(shop_folder, tmp_path):
    line = f'"{sys.executable}" {" ".join(CV)} --quiet "{shop_folder}" > /dev/full'
    done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True)
    expected = "error: cannot print the result: no space left on device; what was written has it too\n"
    assert (done.returncode, done.stderr) == (2, expected) and files(tmp_path) == REPORT


def raising(error):
    def main(argv):
        raise error

    return main


@pytest.mark.parametrize(
    "error, line",
    [
        (InputError("expected 3,\ngot \x1b[31m4"), "expected 3, got \\x1b[31m4"),
        (MissingExtraError("pip install twoflow[torch]"), "pip install twoflow[torch]"),
        (FileNotFoundError(2, "No such file or directory", "a.csv"),
         "a.csv: no such file or directory; correct the path"),
        (OSError(28, "No space left on device"), "no space left on device; make room"),
        (OSError(5, "Input/output error", "a\nb"), "a b: input/output error"),
        (MemoryError(), "memory ran out (MemoryError); use fewer --jobs, or a method with fewer features"),
    ],
)
def test_an_error_that_a_user_can_fix_is_one_line(capsys, error, line):
    assert run(raising(error)) == 2
    assert capsys.readouterr().err == f"error: {line}\n"


def test_an_error_says_what_was_kept(capsys):
    error = MemoryError("4 GiB")
    error.add_note("3 finished folds are kept:\nrun the same command to continue")
    assert run(raising(error)) == 2
    assert capsys.readouterr().err.endswith("features; 3 finished folds are kept: run the same command to continue\n")


def test_an_interruption_says_what_was_kept(capsys):
    interrupt = KeyboardInterrupt()
    interrupt.add_note("3 finished folds are kept: run the same command to continue")
    assert run(raising(interrupt)) == 130
    assert capsys.readouterr().err == (
        "interrupted; 3 finished folds are kept: run the same command to continue\n"
    )


@pytest.mark.parametrize(
    "error",
    [ValueError("a bug"), TypeError("a bug"), KeyError("x"), ImportError("x"), AssertionError(), OSError("x")],
)
def test_a_bug_keeps_its_traceback(capsys, error):
    with pytest.raises(type(error)) as caught:
        run(raising(error))
    assert caught.value is error and "bug in twoflow" in error.__notes__[0]
    assert capsys.readouterr().err == ""


def test_printed_control_characters_are_escaped(capsys):
    assert run(lambda argv: print("a \x1b[31m b\nc \udce9")) == 0
    assert capsys.readouterr().out == "a \\x1b[31m b\nc \\udce9\n"


KILLED = """
import os, signal, sys
from joblib import Parallel, delayed
from twoflow.commands.program import run

def die():
    os.kill(os.getpid(), signal.SIGKILL)

sys.exit(run(lambda argv: Parallel(n_jobs=2)(delayed(die)() for _ in range(4))))
"""


def test_a_killed_worker_is_one_line(tmp_path):
    if not hasattr(signal, "SIGKILL"):
        pytest.skip("this system has no SIGKILL")
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    done = call([script], tmp_path, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "error: a worker process was killed, most likely because memory ran out; use fewer --jobs, or a method with "
        "fewer features\n"
    )


ENDLESS = """
import multiprocessing, os, sys, time
import numpy as np
from joblib import delayed
from twoflow._jobs import run_in_order
from twoflow.commands.program import run

def work(i):
    print(os.getpid(), flush=True)
    time.sleep(600)

def main(argv):
    if argv == ["blas"]:  # one long computation that handles no signal
        print(os.getpid(), flush=True)
        matrix = np.random.default_rng(0).normal(size=(6000, 6000))
        while True:
            np.linalg.svd(matrix)  # takes minutes
    if argv == ["idle"]:  # workers that wait for work; one has not had any yet
        list(run_in_order([delayed(abs)(1)], 2))
        for process in multiprocessing.active_children():
            print(process.pid, flush=True)
        time.sleep(600)
    list(run_in_order(map(delayed(work), range(4)), 2))

sys.exit(run(main, sys.argv[1:]))
"""


def is_alive(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    "where, name, status",
    [
        ("workers", "SIGTERM", 143), ("workers", "SIGHUP", 129), ("workers", "SIGINT", 130), ("workers", "SIGKILL", -9),
        ("idle", "SIGTERM", 143), ("idle", "SIGINT", 130), ("idle", "SIGKILL", -9),
        # No SIGINT: a user can press Ctrl-C a second time.
        ("blas", "SIGTERM", 143), ("blas", "SIGHUP", 129), ("blas", "SIGKILL", -9),
    ],
)
def test_a_signal_leaves_no_process(tmp_path, where, name, status):
    if not os.path.isdir("/proc/self") or not hasattr(signal, name):
        pytest.skip("this system has no such signal, or does not list its processes")
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    n_lines = {"workers": 2, "idle": 2, "blas": 1}[where]
    with subprocess.Popen(
        [sys.executable, script, where], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        preexec_fn=default_signals,
    ) as process:
        try:
            numbers = [int(process.stdout.readline()) for _ in range(n_lines)]
            if where == "blas":
                time.sleep(1)  # it is inside the computation by now
            process.send_signal(getattr(signal, name))
            # Ten seconds at most; the rest allows for a loaded machine.
            assert process.wait(30) == status
            message = process.stderr.read()
        finally:
            process.kill()
    deadline = time.monotonic() + 10
    while any(map(is_alive, numbers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_alive, numbers))
    if status > 0 and where != "blas":
        by = "interrupted" if name == "SIGINT" else f"ended by {name}"
        assert message == f"{by}; nothing was written\n"


def test_nohup_is_respected(tmp_path):
    """If SIGHUP is ignored when the command begins, it stays ignored."""
    if not hasattr(signal, "SIGHUP"):
        pytest.skip("this system has no SIGHUP")
    script = tmp_path / "hangup.py"
    script.write_text(
        "import os, signal, sys\nfrom twoflow.commands.program import run\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "sys.exit(run(lambda argv: (os.kill(os.getpid(), signal.SIGHUP), print('alive'))))\n"
    )
    assert (done := call([script], tmp_path)).returncode == 0 and done.stdout == b"alive\n"
