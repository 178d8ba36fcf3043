"""End a comparison at random moments, and look at what it leaves: ``python -m tests.kills``.

After SIGTERM, SIGHUP or SIGKILL there must be the whole set of a report's files or none of it, no process and no
temporary file; and a run that follows must find the same scores as one that nobody disturbed.
"""

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twoflow import make_shop

from .terminal import default_signals

FILES = ["predictions.csv", "report.html", "report.json", "report.txt", "scores.csv"]
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
PATIENCE_S = 10


def start(work, out):
    environment = {**os.environ, "TMPDIR": str(work / "tmp"), "JOBLIB_TEMP_FOLDER": str(work / "tmp")}
    return subprocess.Popen(
        [sys.executable, "-m", "twoflow.cv", work / "shop", "--methods", "two-flow,cnn", "--folds", "3", "--quiet",
         "--store", work / "store", "--out", out],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True,
        preexec_fn=default_signals,
    )


def members(group):
    """The living processes of a process group."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, number = status.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue  # it has just ended
        if int(number) == group and state != "Z":
            found.append(int(status.parent.name))
    return found


def problems(work, out, group):
    """What should not be there."""
    deadline = time.monotonic() + PATIENCE_S
    while (alive := members(group)) and time.monotonic() < deadline:
        time.sleep(0.1)
    if alive:
        yield f"processes after {PATIENCE_S} s: {alive}"
    if left := [path.name for path in (work / "tmp").iterdir()]:
        yield f"temporary files: {left}"
    names = sorted(path.name for path in out.iterdir()) if out.exists() else []
    if names not in ([], FILES):
        yield f"files {names}"
    elif names:
        rows = json.loads((out / "report.json").read_text("utf-8"))["methods"]
        with open(out / "scores.csv", newline="") as file:
            written = [float(line["accuracy"]) for line in csv.DictReader(file)]
        if written != [score for row in rows for score in row["scores"]["accuracy"]["folds"]]:
            yield "report.json and scores.csv of two runs"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=30, help="kills (default: 30)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    n_bad = n_whole = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "tmp").mkdir()
        make_shop(8, 24, folder=work / "shop", random_state=0)
        began = time.monotonic()
        undisturbed = start(work, work / "expected")
        undisturbed.communicate()
        took = time.monotonic() - began
        expected = (work / "expected/scores.csv").read_bytes()
        for number in range(arguments.n):
            out = work / f"out-{number % 5}"  # some have the files of an earlier run
            # Every third near the end, while the report is made and written.
            moment = rng.uniform(0.6, 1.02) * took if number % 3 == 2 else rng.uniform(0, took)
            sign = SIGNALS[number // 3 % 3]
            process = start(work, out)
            time.sleep(moment)
            process.send_signal(sign)
            _, message = process.communicate()
            found = list(problems(work, out, process.pid))
            if process.returncode not in (0, -sign, 128 + sign) or "Traceback" in message:
                found.append("no clean end")
            n_bad += bool(found)
            n_whole += out.exists() and len(list(out.iterdir())) == len(FILES)
            print(f"{number + 1:3} {sign.name:8} after {moment:5.1f} s: status {process.returncode:4}"
                  f"  {message.strip()[-300:]}  {'; '.join(found) or 'clean'}", flush=True)
        start(work, work / "after").communicate()
        same = (work / "after/scores.csv").read_bytes() == expected
    print(f"{arguments.n} kills in runs of {took:.1f} s: {n_bad} left something, {n_whole} have a whole report; "
          f"the run after them has {'the same scores' if same else 'OTHER SCORES'}")
    sys.exit(1 if n_bad or not same else 0)


if __name__ == "__main__":
    main()
