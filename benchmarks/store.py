"""Measure a comparison whose features are in the store against one that computes them, and one new image."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline

from twoflow import CNNEmbedding, ImageCollection, PixelProjection, compare
from twoflow.evaluation import Comparison

from .figure import Aim, Figure, Line
from .floors import read
from .measure import ratio
from .photos import photos
from .setting import Setting


class _Size(NamedTuple):
    n: int
    rounds: int


_FULL, _QUICK = _Size(5_000, 1), _Size(64, 1)


class _Round(NamedTuple):
    """The same comparison three times, the last with one image added, and the seconds to read the files."""

    cold: Comparison
    warm: Comparison
    added: Comparison
    reading: float


def measure(setting: Setting) -> list[Line]:
    """Measure the time on features with a full store, and how many images are computed after one is added."""
    size = _QUICK if setting.is_quick else _FULL
    images = photos(setting.folder, size.n + 1, jobs=setting.jobs)
    _compare(images[:_QUICK.n], setting)  # loads the code and the network
    rounds = [_measure_round(images, setting) for _ in range(size.rounds)]
    seconds = {
        "cold": [times.cold.extraction_seconds for times in rounds],
        "warm": [times.warm.extraction_seconds for times in rounds],
        "added": [times.added.extraction_seconds for times in rounds],
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
        run = partial(_compare, setting=setting, store=folder)
        cold, warm = run(images[:-1]), run(images[:-1])
        began = time.perf_counter()
        read(images.paths[:-1], setting.jobs)
        return _Round(cold, warm, reading=time.perf_counter() - began, added=run(images))


def _compare(images: ImageCollection, setting: Setting, store: str | Path | None = None) -> Comparison:
    """Compare the flows of the Two-Flow model with classifiers that take no time, as only features count here."""
    flows = {"projection": PixelProjection(random_state=0), "cnn": CNNEmbedding()}
    methods = {name: make_pipeline(flow, DummyClassifier()) for name, flow in flows.items()}
    return compare(methods, images, folds=2, n_jobs=setting.jobs, store=store)
