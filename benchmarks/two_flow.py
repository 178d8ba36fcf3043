"""Measure fitting the Two-Flow model at the paper's size against its parts, and its forests against scikit-learn's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch

from joblib import parallel_config
from sklearn.ensemble import RandomForestClassifier

from twoflow import FlowClassifier, ImageCollection, make_model
from twoflow.heads import BinnedForestClassifier

from .figure import Figure, Line
from .floors import decode, onnxruntime_alone, ready_tensors
from .measure import Contestant, Times, interleave, ratio
from .photos import photos
from .setting import Setting


class _Size(NamedTuple):
    """Numbers of images, of classes, of images for decoding and the network alone, and of rounds."""

    n: int
    n_classes: int
    n_alone: int
    rounds: int


class _Grown(NamedTuple):
    """A forest, what it was fitted on, and the seconds that took."""

    forest: BinnedForestClassifier
    arguments: tuple[Any, ...]
    seconds: float


_FULL, _QUICK, _LARGE = _Size(1_070, 107, 256, 1), _Size(30, 3, 8, 1), _Size(5_250, 107, 256, 2)


def measure(setting: Setting) -> list[Line]:
    """Measure a fit and its parts.

    The paper took two to three minutes for the features of 5,250 images, and under a minute for the last forest.
    """
    size = _QUICK if setting.is_quick else _LARGE if setting.is_large else _FULL
    images = photos(setting.folder, size.n, size.n_classes, n_drawn=size.n, jobs=setting.jobs)
    few = images.paths[:size.n_alone]
    alone = onnxruntime_alone(ready_tensors(few), setting.jobs)
    model = make_model(random_state=0, n_jobs=setting.jobs)
    model.fit(few, images.labels[:size.n_alone])  # loads the code and the network
    grown: list[_Grown] = []
    times = interleave(
        {
            "fit": Contestant(partial(_fit, model, images, grown)),
            "scikit-learn's forests": Contestant(partial(_grow_plain, grown, setting.jobs)),
            "decoding": Contestant(partial(decode, few, setting.jobs), len(few)),
            **alone,
        },
        size.rounds,
        has_warm_up=False,
    )
    return _lines(times, [each.seconds for each in grown], size, times.fastest(alone))


def _lines(times: Times, forests: list[float], size: _Size, best: str) -> list[Line]:
    fits = times.wall["fit"]
    # Each fit grows three forests: one selects in each flow, and the third decides.
    selection = [sum(pair) for pair in zip(forests[::3], forests[1::3])]
    parts = {"selection": selection, "last forest": forests[2::3]}
    parts = {"features": [fit - sum(rest) for fit, *rest in zip(fits, *parts.values())], **parts}
    alone = [size.n * seconds for seconds in times.sum("decoding", best)]
    least = [sum(seconds) for seconds in zip(alone, selection, parts["last forest"])]
    seconds = {**times.wall, **parts}
    plain = times.wall["scikit-learn's forests"]
    own = [sum(three) for three in zip(selection, parts["last forest"])]
    return [
        Figure(
            f"fit, {size.n:,} images of {size.n_classes} classes, against its parts alone", ratio(fits, least), "x",
            f"1: {median(least):.0f} s, {median(alone):.0f} s of them for decoding and the network, the rest for its "
            "forests",
            seconds=seconds,
        ),
        Figure(
            "its three forests, against scikit-learn's on the same tables", ratio(own, plain), "x",
            f"{median(own):.1f} s and {median(plain):.1f} s", seconds=seconds,
        ),
        *(
            Figure(f"{name}, of that fit", [100 * share for share in ratio(part, fits)], "%",
                   f"100; {median(part):.1f} s", seconds=seconds)
            for name, part in parts.items()
        ),
    ]


def _fit(model: FlowClassifier, images: ImageCollection, grown: list[_Grown]) -> None:
    with _timed_forests(grown):
        model.fit(images, images.labels)


def _grow_plain(grown: list[_Grown], jobs: int) -> None:
    """Grow the three forests of the last fit with scikit-learn alone."""
    with parallel_config(n_jobs=jobs):  # as the model does
        for forest, arguments, _ in grown[-3:]:
            RandomForestClassifier(**forest.get_params()).fit(*arguments)


@contextmanager
def _timed_forests(grown: list[_Grown]) -> Iterator[None]:
    """Append every forest that is grown inside the block."""
    grow = BinnedForestClassifier.fit

    def timed(forest: BinnedForestClassifier, *arguments: Any) -> BinnedForestClassifier:
        began = time.perf_counter()
        grow(forest, *arguments)
        grown.append(_Grown(forest, arguments, time.perf_counter() - began))
        return forest

    with patch.object(BinnedForestClassifier, "fit", timed):
        yield
