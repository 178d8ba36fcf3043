"""Run a task in a fresh process, to measure the peak memory of the task alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from threading import Event, Thread
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


@contextmanager
def watch_own_memory(every_s: float = 0.2) -> Iterator[list[int]]:
    """Give a list whose last value is the most memory so far, in bytes, of this process and those that it started.

    Files that processes map are not counted, so that what they share is not counted several times. The list stays empty
    on a system that does not report it.
    """
    highest: list[int] = []
    ended = Event()

    def look() -> None:
        while not ended.wait(every_s):
            if found := [n_bytes for process in _with_children(os.getpid()) for n_bytes in _own_memory(process)]:
                highest.append(max([sum(found), *highest[-1:]]))

    watcher = Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield highest
    finally:
        ended.set()
        watcher.join()


def _own_memory(process: int) -> Iterator[int]:
    """Yield the bytes that a process has of its own; its share of what it got from its parent counts too."""
    with suppress(OSError):  # it has ended
        found = re.search(r"Pss_Anon:\s+(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text())
        if found:
            yield 1024 * int(found[1])


def _with_children(process: int) -> Iterator[int]:
    yield process
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in file.read_text().split():
                yield from _with_children(int(child))


if __name__ == "__main__":
    module, name, text = sys.argv[1:]
    found = getattr(import_module(module), name)(**json.loads(text))
    peak = peak_memory()
    print(json.dumps(Outcome(found, peak.n_bytes if peak else 0)))
