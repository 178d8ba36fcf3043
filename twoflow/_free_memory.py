"""Find how much memory this machine, or its container, can still give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_CONTAINER = Path("/sys/fs/cgroup")


def free_memory() -> int | None:
    """Return the bytes of memory that can still be used; None if the system does not report it."""
    return min(_found(), default=None)


def _found() -> Iterator[int]:
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        yield 1024 * int(next(line.split()[1] for line in lines if line.startswith("MemAvailable:")))
    with suppress(OSError, ValueError, StopIteration):  # "max" means that the container has no limit
        limit = int((_CONTAINER / "memory.max").read_text())
        lines = (_CONTAINER / "memory.stat").read_text().splitlines()
        cached = int(next(line.split()[1] for line in lines if line.startswith("inactive_file ")))
        yield limit - int((_CONTAINER / "memory.current").read_text()) + cached
