"""Measure fitting the recipes `fast` and `best`, and comparing `best`: time against their features, and memory."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from twoflow import compare, make_model
from twoflow.flows import FlowUnion
from twoflow.models import take_apart

from .child import Outcome, in_fresh_process, watch_own_memory
from .figure import Aim, Figure, Line, NotMeasured
from .photos import photos
from .setting import Setting

_RECIPES = ("fast", "best")


class _Size(NamedTuple):
    """Numbers of images, of classes and of folds."""

    n: int
    n_classes: int
    folds: int


#: The large size is that of the sneakers, for which the aims of memory are.
_FULL, _QUICK, _LARGE = _Size(96, 32, 2), _Size(8, 2, 2), _Size(4_096, 32, 5)
_MOST_GB = {"fast": 1.0, "best": 3.0, "comparison": 6.0}


def measure(setting: Setting) -> list[Line]:
    """Measure each fit in a process of its own, and then a comparison; `best` takes the networks that are installed."""
    size = _QUICK if setting.is_quick else _LARGE if setting.is_large else _FULL
    photos(setting.folder, size.n, size.n_classes, jobs=setting.jobs)
    lines: list[Line] = []
    given: dict[str, Any] = {
        "folder": str(setting.folder), "n": size.n, "n_classes": size.n_classes, "jobs": setting.jobs,
    }
    for recipe in _RECIPES:
        found = in_fresh_process(fit, recipe=recipe, **given)
        lines += _lines(recipe, found, size)
    with TemporaryDirectory(dir=setting.folder, prefix="store-") as store:
        peak = in_fresh_process(compare_best, store=store, folds=size.folds, **given).result
    name = f"memory of a comparison with best, {size.n:,} images, {size.folds} folds"
    limit = f"of all processes, {setting.jobs} folds at a time; the training features of these are most of it"
    return [*lines, _memory(name, peak, limit, _MOST_GB["comparison"])]


def _lines(recipe: str, found: Outcome, size: _Size) -> list[Line]:
    fitted, alone = found.result["fit"], found.result["features"]
    seconds = {"fit": [fitted], "features": [alone]}
    name = f"fit of {recipe}, {size.n:,} images"
    return [
        Figure(f"{name}, against its features alone", [fitted / alone], "x",
               f"1: {size.n / alone:.0f} images/s, {found.result['n_features']:,} features each", seconds=seconds),
        _memory(f"memory of that fit of {recipe}", found.result["own_bytes"],
                f"{found.result['feature_bytes'] / 1e9:.2f} GB of features, and the networks", _MOST_GB[recipe]),
    ]


def _memory(name: str, n_bytes: int | None, limit: str, most: float) -> Line:
    if n_bytes is None:
        return NotMeasured(name, "needs Linux, which reports the memory of a process")
    return Figure(name, [n_bytes / 1e6], "MB", limit, Aim("<=", 1000 * most))


def fit(recipe: str, folder: str, n: int, n_classes: int, jobs: int) -> dict[str, Any]:
    """Compute the features, then fit the model; the task of the process whose memory is measured."""
    images = photos(Path(folder), n, n_classes)
    model = make_model(recipe, random_state=0, n_jobs=jobs)
    flows = FlowUnion(take_apart(model).flows, n_jobs=jobs).fit(images)
    flows.transform(images[:n_classes])  # loads the code and the networks
    began = time.perf_counter()
    shape = flows.transform(images).shape
    computed = time.perf_counter()
    with watch_own_memory() as highest:
        model.fit(images)
    return {
        "features": computed - began, "fit": time.perf_counter() - computed, "n_features": shape[1],
        "feature_bytes": 4 * shape[0] * shape[1], "own_bytes": highest[-1] if highest else None,
    }


def compare_best(store: str, folder: str, n: int, n_classes: int, jobs: int, folds: int) -> int | None:
    """Cross-validate `best`; return the most memory of all processes together, None if it is not reported."""
    images = photos(Path(folder), n, n_classes)
    with watch_own_memory() as highest:
        compare({"best": make_model("best", random_state=0)}, images, folds=folds, n_jobs=jobs, store=store)
    return highest[-1] if highest else None
