"""Kill predictions at random moments, and compare what the last attempt writes: ``python -m tests.predicting.kills``.

However often ``twoflow predict`` is killed and repeated, its file must have every image once, and must be the same to
the byte as that of a run that nobody disturbed.
"""

import argparse
import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twoflow import make_model, make_shop, save

from ..kills import members
from ..terminal import default_signals

ROOT = Path(__file__).parents[2]
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def start(model, images, out):
    command = [sys.executable, "-m", "twoflow", "predict", model, images, "--no-store", "--quiet", "--out", out]
    return subprocess.Popen(
        list(map(str, command)), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True, preexec_fn=default_signals,
    )


def end_often(arguments, work, model, images, took, signals):
    """Start the same command until it ends by itself; return its file and how often it was ended."""
    rng, out = random.Random(arguments.seed), work / f"{signals[0].name}.csv"
    n_ended = 0
    while True:
        process = start(model, images, out)
        sign = signals[n_ended % len(signals)]
        if n_ended < arguments.n:
            time.sleep(rng.uniform(0.05, 0.3) * took)
            process.send_signal(sign)
        _, message = process.communicate()
        alive = members(process.pid)
        print(f"{sign.name:8} status {process.returncode:4}  {message.strip()[-120:]}  {alive or ''}", flush=True)
        if process.returncode == 0:
            return out, n_ended
        n_ended += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10, help="kills (default: 10)")
    parser.add_argument("--images", help="folder to predict (default: a generated shop of 1,200 images)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shop = make_shop(10, 12, random_state=0)
        model = work / "shoes.twoflow"
        save(make_model("fast").fit(shop), model)
        images = Path(arguments.images or work / "shop")
        if arguments.images is None:
            make_shop(20, 60, folder=images, random_state=1)
        began = time.monotonic()
        start(model, images, work / "expected.csv").communicate()
        took = time.monotonic() - began
        expected = (work / "expected.csv").read_bytes()
        is_good = True
        for signals in (SIGNALS[:1], SIGNALS[1:]):
            out, n_ended = end_often(arguments, work, model, images, took, signals)
            with open(out, newline="", encoding="utf-8") as file:
                paths = [row["path"] for row in csv.DictReader(file)]
            left = sorted(path.name for path in work.glob("*.part*"))
            same = out.read_bytes() == expected and len(set(paths)) == len(paths) and not left
            is_good &= same
            print(f"ended {n_ended} times in runs of {took:.1f} s: {len(paths):,} images, "
                  f"{'each once, the same bytes' if same else 'OTHER BYTES'} {left or ''}")
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
