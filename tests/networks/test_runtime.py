"""onnxruntime sends no telemetry, and a fork opens a session of its own."""

import multiprocessing
import os
import subprocess
import sys

import pytest

SCRIPT = (
    "import numpy as np; from twoflow import CNNEmbedding; "
    "CNNEmbedding(layer='stage1').fit_transform([np.zeros((9, 9), np.uint8)])"
)


def test_nothing_is_kept_for_telemetry(tmp_path):
    """With telemetry, builds from 1.29 on would leave a file in each of these folders."""
    folders = {name: tmp_path / name for name in ("TMPDIR", "XDG_CACHE_HOME", "HOME")}
    for folder in folders.values():
        folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    environment |= {name: str(folder) for name, folder in folders.items()}
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, env=environment, cwd=tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


FORK = """
import multiprocessing
import numpy as np
from twoflow import CNNEmbedding
from twoflow.networks import open_session

def features(queue):
    queue.put(CNNEmbedding(layer="stage1").fit_transform([np.full((9, 9), 200, np.uint8)]))

open_session("efficientnet-lite0", ("stage1",), 2).run(np.full((224, 224, 3), 200, np.uint8))
context = multiprocessing.get_context("fork")
queue = context.Queue()
process = context.Process(target=features, args=(queue,), daemon=True)
process.start()
found = queue.get(timeout=60)
process.join(10)
assert process.exitcode == 0 and np.isfinite(found).all()
"""


def test_a_fork_does_not_use_its_parents_session():
    """The threads of a session exist only in the parent; the fork would wait for them for ever.

    The parent is a process of its own, because a fork of this one would also inherit the locks of other tests' threads.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system has no fork")
    subprocess.run([sys.executable, "-c", FORK], check=True)
