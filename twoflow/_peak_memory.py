"""The most memory that processes have taken."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class PeakMemory(NamedTuple):
    """The most memory that a process has had resident so far, in bytes."""

    process: tuple[str, int]
    n_bytes: int


def peak_memory() -> PeakMemory | None:
    """Of this process; None on a system that does not say."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    # Not `getrusage`: what that gives begins with the parent's.
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return PeakMemory((platform.node(), os.getpid()), int(found[1]) * 1024) if found else None


def total_peak(peaks: Iterable[PeakMemory | None]) -> int | None:
    """The peaks of all processes added up, an upper bound of what they took at one moment; None if one is not known."""
    highest: dict[tuple[str, int], int] = {}
    for peak in peaks:
        if peak is None:
            return None
        highest[peak.process] = max(peak.n_bytes, highest.get(peak.process, 0))
    return sum(highest.values())
