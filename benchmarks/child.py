"""Run a task in a fresh process, to measure the peak memory of the task alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from twoflow._peak_memory import peak_memory

ROOT = Path(__file__).resolve().parents[1]


class Outcome(NamedTuple):
    """What a task returned, and the peak memory of its process in bytes."""

    result: Any
    peak_bytes: int


def in_fresh_process(task: Callable[..., Any], **arguments: Any) -> Outcome:
    """Run a module's function in its own process; arguments and result pass as JSON."""
    command = [sys.executable, "-m", __name__, task.__module__, task.__name__, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Outcome(*json.loads(done.stdout))


def can_measure_memory() -> bool:
    """Return whether this system reports peak memory; if not, `Outcome.peak_bytes` is 0."""
    return peak_memory() is not None


if __name__ == "__main__":
    module, name, text = sys.argv[1:]
    found = getattr(import_module(module), name)(**json.loads(text))
    peak = peak_memory()
    print(json.dumps(Outcome(found, peak.n_bytes if peak else 0)))
