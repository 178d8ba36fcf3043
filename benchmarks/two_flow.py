"""Measure fitting the Two-Flow model at the paper's size against its parts: decoding, network, forests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch

from sklearn.ensemble import RandomForestClassifier

from twoflow import FlowClassifier, ImageCollection, make_model

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


_FULL, _QUICK, _LARGE = _Size(2_140, 107, 256, 1), _Size(30, 3, 8, 1), _Size(5_250, 107, 256, 2)


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
    forests: list[float] = []
    times = interleave(
        {
            "fit": Contestant(partial(_fit, model, images, forests)),
            "decoding": Contestant(partial(decode, few, setting.jobs), len(few)),
            **alone,
        },
        size.rounds,
        has_warm_up=False,
    )
    return _lines(times, forests, size, times.fastest(alone))


def _lines(times: Times, forests: list[float], size: _Size, best: str) -> list[Line]:
    fits = times.wall["fit"]
    # Each fit grows three forests: one selects in each flow, and the third decides.
    selection = [sum(pair) for pair in zip(forests[::3], forests[1::3])]
    parts = {"selection": selection, "last forest": forests[2::3]}
    parts = {"features": [fit - sum(rest) for fit, *rest in zip(fits, *parts.values())], **parts}
    alone = [size.n * seconds for seconds in times.sum("decoding", best)]
    least = [sum(seconds) for seconds in zip(alone, selection, parts["last forest"])]
    seconds = {**times.wall, **parts}
    return [
        Figure(
            f"fit, {size.n:,} images of {size.n_classes} classes, against its parts alone", ratio(fits, least), "x",
            f"1: {median(least):.0f} s, {median(alone):.0f} s of them for decoding and the network, the rest for "
            "scikit-learn's forests",
            seconds=seconds,
        ),
        *(
            Figure(f"{name}, of that fit", [100 * share for share in ratio(part, fits)], "%",
                   f"100; {median(part):.1f} s", seconds=seconds)
            for name, part in parts.items()
        ),
    ]


def _fit(model: FlowClassifier, images: ImageCollection, forests: list[float]) -> None:
    with _timed_forests(forests):
        model.fit(images, images.labels)


@contextmanager
def _timed_forests(seconds: list[float]) -> Iterator[None]:
    """Append the seconds of every forest that is grown inside the block."""
    grow = RandomForestClassifier.fit

    def timed(forest: RandomForestClassifier, *arguments: Any, **named: Any) -> RandomForestClassifier:
        began = time.perf_counter()
        grow(forest, *arguments, **named)
        seconds.append(time.perf_counter() - began)
        return forest

    with patch.object(RandomForestClassifier, "fit", timed):
        yield
