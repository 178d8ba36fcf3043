"""Measure how the time a row takes, and the memory of a fit, change with the rows that a kernel ridge is fitted on."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

from twoflow._peak_memory import peak_memory
from twoflow.heads import KernelRidgeClassifier

from .child import can_measure_memory, in_fresh_process
from .figure import Aim, Figure, Line, NotMeasured
from .measure import ratio
from .setting import Setting


class _Size(NamedTuple):
    """Numbers of rows, of features and of rounds; the first number of rows is the one to compare with."""

    ns: tuple[int, ...]
    n_features: int
    rounds: int


_FULL, _QUICK, _LARGE = _Size((10_000, 40_000), 1_000, 2), _Size((200, 400), 20, 1), 100_000
_N_CLASSES, _FEW = 50, 100


def measure(setting: Setting) -> list[Line]:
    """Measure fits on drawn features, rows in pairs that are left out together."""
    size = _QUICK if setting.is_quick else _FULL
    first, *others = ns = [*size.ns, *([_LARGE] if setting.is_large else [])]
    rounds = [
        {n: in_fresh_process(fit, n=n, n_features=size.n_features) for n in ns} for _ in range(size.rounds)
    ]
    lines: list[Line] = []
    for n in others:
        seconds = {f"{each:,} rows": [found[each].result["seconds"] for found in rounds] for each in (first, n)}
        few, many = seconds.values()
        lines.append(Figure(
            f"time a row, {size.n_features:,} features, {n:,} rows against {first:,}", ratio(many, few), "x",
            "1: a row costs the same; the products of all rows would cost as often as much as there are more rows",
            Aim("<=", 1.1), seconds,
        ))
        name = f"memory beyond the features, {n:,} rows against {first:,}"
        if not can_measure_memory():
            lines.append(NotMeasured(name, "needs Linux, which reports the peak memory of a process"))
            continue
        few, many = ([found[each].peak_bytes - found[each].result["base_bytes"] for found in rounds]
                     for each in (first, n))
        lines.append(Figure(
            name, ratio(many, few), "x", f"1: as much as for {first:,}, {few[0] / 1e6:.0f} MB", Aim("<=", n / first)
        ))
    return lines


def fit(n: int, n_features: int) -> dict[str, Any]:
    """Fit on n rows; the task of the process whose memory is measured."""
    y = np.arange(n) // 2 % _N_CLASSES
    X = np.random.default_rng(0).standard_normal((n, n_features), dtype=np.float32)
    X[np.arange(n), y % n_features] += 3
    KernelRidgeClassifier().fit(X[:_FEW], y[:_FEW])  # loads the code
    before = peak_memory()
    began = time.perf_counter()
    KernelRidgeClassifier().fit(X, y, groups=np.arange(n) // 2)
    return {"seconds": (time.perf_counter() - began) / n, "base_bytes": before.n_bytes if before else 0}
