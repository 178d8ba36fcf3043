"""Measure how the time an image takes, and the memory of a run, change with the number of images."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from twoflow import PixelProjection

from .child import Outcome, can_measure_memory, in_fresh_process
from .figure import Aim, Figure, Line, NotMeasured
from .measure import ratio
from .photos import photos
from .setting import Setting


class _Size(NamedTuple):
    """Numbers of images, and of rounds; the first number is the one to compare with."""

    ns: tuple[int, ...]
    rounds: int


_FULL, _QUICK, _LARGE = _Size((1_000, 5_000), 2), _Size((24, 48), 1), (20_000, 100_000)
_FEW = 64  # images that load the code before the clock starts


def measure(setting: Setting) -> list[Line]:
    """Measure the projection: next to its little work, the cost of handling an image shows best."""
    size = _QUICK if setting.is_quick else _FULL
    first, *others = ns = [*size.ns, *(_LARGE if setting.is_large else ())]
    photos(setting.folder, max(ns), jobs=setting.jobs)
    rounds = [{n: _extract_apart(setting, n) for n in ns} for _ in range(size.rounds)]
    return [line for n in others for line in _lines(rounds, first, n)]


def _lines(rounds: list[dict[int, Outcome]], first: int, n: int) -> list[Line]:
    lines: list[Line] = []
    for what, name in (("computed", "time an image"), ("recalled", "time an image that is in the store")):
        seconds = {f"{size:,} images": [outcomes[size].result[what] for outcomes in rounds] for size in (first, n)}
        few, many = seconds.values()
        limit = "1: an image costs the same"
        lines.append(Figure(f"{name}, {n:,} against {first:,}", ratio(many, few), "x", limit, Aim("<=", 1.15), seconds))
    name = f"memory beyond the features, {n:,} against {first:,}"
    if not can_measure_memory():
        return [*lines, NotMeasured(name, "needs Linux, which reports the peak memory of a process")]
    few, many = (
        [outcomes[size].peak_bytes - outcomes[size].result["feature_bytes"] for outcomes in rounds]
        for size in (first, n)
    )
    limit = f"1: as much as for {first:,}, {few[0] / 1e6:.0f} MB"
    return [*lines, Figure(name, ratio(many, few), "x", limit, Aim("<=", 1.1))]


def _extract_apart(setting: Setting, n: int) -> Outcome:
    with TemporaryDirectory(dir=setting.folder, prefix="store-") as store:
        return in_fresh_process(extract, folder=str(setting.folder), n=n, jobs=setting.jobs, store=store)


def extract(folder: str, n: int, jobs: int, store: str) -> dict[str, Any]:
    """Compute features, then read them from the store; the task of the process whose memory is measured."""
    paths = photos(Path(folder), n).paths
    flow = PixelProjection(random_state=0, n_jobs=jobs).fit(paths)
    flow.transform(paths[:_FEW])
    flow.set_params(store=store)
    began = time.perf_counter()
    n_bytes = flow.transform(paths).nbytes
    computed = time.perf_counter()
    flow.transform(paths)
    recalled = time.perf_counter()
    return {"computed": (computed - began) / n, "recalled": (recalled - computed) / n, "feature_bytes": n_bytes}
