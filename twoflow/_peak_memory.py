"""Measure the peak memory of processes."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class PeakMemory(NamedTuple):
    """The peak resident memory of a process so far.

    Attributes
    ----------
    process : (str, int)
        Name of the machine, and process id.
    n_bytes : int
        The peak in bytes.
    """

    process: tuple[str, int]
    n_bytes: int


def peak_memory() -> PeakMemory | None:
    """Return the peak memory of this process; None on a system without ``/proc``."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    # Not `getrusage`, whose peak starts at that of the parent process.
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return PeakMemory((platform.node(), os.getpid()), int(found[1]) * 1024) if found else None


def total_peak(peaks: Iterable[PeakMemory | None]) -> int | None:
    """Add up the peaks of all processes; None if one is unknown.

    The sum is an upper bound of the memory that they used at the same time.
    """
    highest: dict[tuple[str, int], int] = {}
    for peak in peaks:
        if peak is None:
            return None
        highest[peak.process] = max(peak.n_bytes, highest.get(peak.process, 0))
    return sum(highest.values())
