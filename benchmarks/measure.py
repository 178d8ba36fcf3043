"""Timing things against each other: in turns, so that a slow minute of the machine slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import NamedTuple

#: Seconds before each turn, for the threads of the one before to stop spinning: onnxruntime's and OpenMP's wait for
#: more work for a while before they sleep.
_PAUSE_S = 0.1


class Contestant(NamedTuple):
    """Something to be timed, and how many units of work it does: its times are given for one of them."""

    run: Callable[[], object]
    n: int = 1


class Times(NamedTuple):
    """Seconds for one unit of work, by contestant and round: on the clock, and of all cores of this process."""

    wall: dict[str, list[float]]
    cpu: dict[str, list[float]]

    def fastest(self, names: Iterable[str]) -> str:
        return min(names, key=lambda name: median(self.wall[name]))

    def rate(self, name: str) -> float:
        """Units of work a second."""
        return 1 / median(self.wall[name])

    def sum(self, *names: str) -> list[float]:
        """By round, one after the other."""
        return [sum(seconds) for seconds in zip(*(self.wall[name] for name in names))]


def interleave(contestants: Mapping[str, Contestant], rounds: int, has_warm_up: bool = True) -> Times:
    """Run A, B, C, A, B, C, ...; a first turn of each, in which files and code are loaded, does not count."""
    times = Times({name: [] for name in contestants}, {name: [] for name in contestants})
    for number in range(-has_warm_up, rounds):
        for name, (run, n) in contestants.items():
            time.sleep(_PAUSE_S)
            began, cpu_began = time.perf_counter(), time.process_time()
            run()
            wall, cpu = time.perf_counter() - began, time.process_time() - cpu_began
            if number >= 0:
                times.wall[name].append(wall / n)
                times.cpu[name].append(cpu / n)
    return times


def ratio(above: Iterable[float], below: Iterable[float]) -> list[float]:
    """Round by round."""
    return [a / b for a, b in zip(above, below, strict=True)]
