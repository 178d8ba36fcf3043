"""Fitting the Two-Flow model at the paper's size, against its parts alone: decoding, the network, the forests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from twoflow import ForestSelector, ImageCollection, TwoFlowClassifier

from .figure import Figure, Line
from .floors import decode, onnxruntime_alone, ready_tensors
from .measure import Contestant, Times, interleave, ratio
from .pictures import photos
from .setting import Setting


class _Size(NamedTuple):
    """Pictures and classes; pictures for decoding and for the network alone, whose times are a picture's; rounds."""

    n: int
    n_classes: int
    n_alone: int
    rounds: int


_FULL, _QUICK = _Size(5_250, 107, 512, 2), _Size(30, 3, 8, 1)


def measure(setting: Setting) -> list[Line]:
    """The paper: two to three minutes for the features of 5,250 pictures, under a minute for the last forest."""
    size = _QUICK if setting.is_quick else _FULL
    pictures = photos(setting.folder, size.n, size.n_classes, n_drawn=size.n, jobs=setting.jobs)
    few = pictures.paths[:size.n_alone]
    alone = onnxruntime_alone(ready_tensors(few), setting.jobs)
    model = TwoFlowClassifier(random_state=0, n_jobs=setting.jobs)
    selection, last = _forests_alone(model, pictures, setting.jobs)
    times = interleave(
        {
            "fit": Contestant(partial(model.fit, pictures, pictures.labels)),
            "selection": Contestant(selection),
            "last forest": Contestant(last),
            "decoding": Contestant(partial(decode, few, setting.jobs), len(few)),
            **alone,
        },
        size.rounds,
        has_warm_up=False,
    )
    return _lines(times, size, times.fastest(alone))


def _lines(times: Times, size: _Size, best: str) -> list[Line]:
    wall = times.wall
    features = [size.n * seconds for seconds in times.sum("decoding", best)]
    limits = [sum(seconds) for seconds in zip(features, wall["selection"], wall["last forest"])]
    extraction = [fit - select - last for fit, select, last in zip(wall["fit"], wall["selection"], wall["last forest"])]
    name = f"fit, {size.n:,} pictures of {size.n_classes} classes"
    return [
        Figure(
            f"{name}, against its parts alone", ratio(wall["fit"], limits), "x",
            f"1: {median(limits):.0f} s, for decoding, the network and the forests on ready features, each on all "
            "cores",
            seconds=wall,
        ),
        *(
            Figure(f"{part}, of that fit", [100 * share for share in ratio(seconds, wall["fit"])], "%",
                   f"{median(seconds):.1f} s", seconds=wall)
            for part, seconds in (
                ("features", extraction), ("selection", wall["selection"]), ("last forest", wall["last forest"])
            )
        ),
    ]


def _forests_alone(
    model: TwoFlowClassifier, pictures: ImageCollection, jobs: int
) -> tuple[Callable[[], object], Callable[[], object]]:
    """scikit-learn's forests on ready features: those that select in each flow, and the last one."""
    union, rest = model.split()
    features = union.fit_transform(pictures)
    stacked = rest["select"].fit_transform(features, pictures.labels)

    def grow(n_trees: int, table: np.ndarray) -> None:
        RandomForestClassifier(n_trees, n_jobs=jobs, random_state=0).fit(table, pictures.labels)

    def select() -> None:
        for columns in union.slices().values():
            grow(ForestSelector().n_estimators, features[:, columns])

    return select, partial(grow, rest["classify"].n_estimators, stacked)
