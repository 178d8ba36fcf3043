"""A task in a fresh process, so that the memory at its peak is that of the task."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]

#: Linux: the most memory that this process has had resident. What `getrusage` gives begins with the parent's.
_STATUS = Path("/proc/self/status")


class Outcome(NamedTuple):
    """What a task returned, and the bytes of memory at the peak of its process."""

    result: Any
    peak_bytes: int


def in_fresh_process(task: Callable[..., Any], **arguments: Any) -> Outcome:
    """Run a function of a module in a process of its own; arguments and result pass as JSON."""
    command = [sys.executable, "-m", __name__, task.__module__, task.__name__, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Outcome(*json.loads(done.stdout))


def can_measure_memory() -> bool:
    """Whether this system says what `Outcome.peak_bytes` is; without, it is 0."""
    return _STATUS.exists()


def _peak_bytes() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text()) if can_measure_memory() else None
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    module, name, text = sys.argv[1:]
    found = getattr(import_module(module), name)(**json.loads(text))
    print(json.dumps(Outcome(found, _peak_bytes())))
