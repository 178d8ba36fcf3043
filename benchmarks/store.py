"""Measure the features of a comparison that are in the store against those that it computes, and one new image."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from twoflow import ImageCollection, make_model
from twoflow.evaluation.feature_plan import FeaturePlan
from twoflow.flows.engine.extraction import extract

from .figure import Aim, Figure, Line
from .floors import read
from .measure import ratio
from .photos import photos
from .setting import Setting


class _Size(NamedTuple):
    n: int
    rounds: int


_FULL, _QUICK = _Size(5_000, 1), _Size(64, 1)


class _Run(NamedTuple):
    """The seconds that a comparison spends on features, and for how many images it computes some."""

    seconds: float
    n_computed: int


class _Round(NamedTuple):
    """The same features three times, the last with one image added, and the seconds to read the files."""

    cold: _Run
    warm: _Run
    added: _Run
    reading: float


def measure(setting: Setting) -> list[Line]:
    """Measure the time on features with a full store, and how many images are computed after one is added."""
    size = _QUICK if setting.is_quick else _FULL
    images = photos(setting.folder, size.n + 1, jobs=setting.jobs)
    _extract(images[:_QUICK.n], setting)  # loads the code and the network
    rounds = [_measure_round(images, setting) for _ in range(size.rounds)]
    seconds = {
        "cold": [times.cold.seconds for times in rounds],
        "warm": [times.warm.seconds for times in rounds],
        "added": [times.added.seconds for times in rounds],
        "reading": [times.reading for times in rounds],
    }
    least = median(ratio(seconds["reading"], seconds["cold"]))
    return [
        Figure(
            f"time on features when the store has them, {size.n:,} images",
            [100 * share for share in ratio(seconds["warm"], seconds["cold"])],
            "%",
            f"{least:.2%}: reading every file and computing its digest, to find it in the store",
            Aim("<=", 2),
            seconds,
        ),
        Figure(
            f"images computed after one is added to {size.n:,}",
            [times.added.n_computed for times in rounds],
            "n",
            "1: only that one is new",
            Aim("<=", 1),
            seconds,
        ),
    ]


def _measure_round(images: ImageCollection, setting: Setting) -> _Round:
    with TemporaryDirectory(dir=setting.folder, prefix="store-") as folder:
        run = partial(_extract, setting=setting, store=folder)
        cold, warm = run(images[:-1]), run(images[:-1])
        began = time.perf_counter()
        read(images.paths[:-1], setting.jobs)
        return _Round(cold, warm, reading=time.perf_counter() - began, added=run(images))


def _extract(images: ImageCollection, setting: Setting, store: str | Path | None = None) -> _Run:
    """Do what a comparison of the Two-Flow model does before it looks for duplicates and fits."""
    began = time.perf_counter()
    plan = FeaturePlan([make_model(random_state=0)], setting.jobs, False, store)
    found = extract(plan.once.fit(images.images), images.images)
    return _Run(time.perf_counter() - began, found.n_computed)
