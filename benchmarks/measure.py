"""Time contestants in turns, so that a slow minute of the machine slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import NamedTuple

#: Seconds of pause before each turn. The threads of onnxruntime and OpenMP spin for a while before they sleep, and
#: would take time from the next contestant.
_PAUSE_S = 0.1


class Contestant(NamedTuple):
    """A function to time, and its number of units of work; times are for one unit."""

    run: Callable[[], object]
    n: int = 1


class Times(NamedTuple):
    """Seconds for one unit of work, by contestant and round: on the clock, and summed over this process's cores."""

    wall: dict[str, list[float]]
    cpu: dict[str, list[float]]

    def fastest(self, names: Iterable[str]) -> str:
        return min(names, key=lambda name: median(self.wall[name]))

    def rate(self, name: str) -> float:
        """Return the units of work done in a second, by the median round."""
        return 1 / median(self.wall[name])

    def sum(self, *names: str) -> list[float]:
        """Add the seconds of several contestants, round by round."""
        return [sum(seconds) for seconds in zip(*(self.wall[name] for name in names))]


def interleave(contestants: Mapping[str, Contestant], rounds: int, has_warm_up: bool = True) -> Times:
    """Run A, B, C, A, B, C, ...; the first turn of each only loads files and code, and does not count."""
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
    """Divide above by below, round by round."""
    return [a / b for a, b in zip(above, below, strict=True)]
