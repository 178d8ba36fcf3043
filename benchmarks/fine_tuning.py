"""Measure training the last stages of a network on maps that are computed once, against computing them at each step."""

from __future__ import annotations

from importlib.util import find_spec
from statistics import median
from typing import Any, NamedTuple

from twoflow import ImageCollection
from twoflow.deep import FineTunedClassifier

from .figure import Figure, Line, NotMeasured
from .measure import ratio
from .photos import photos
from .setting import Setting

_NAME = "rate of training the last 2 stages, on maps computed once against at each step"
_PEER = ("torch", "skorch")


class _Size(NamedTuple):
    n: int
    side: int
    epochs: int
    rounds: int


_FULL, _QUICK = _Size(96, 128, 4, 2), _Size(8, 32, 2, 1)

#: How images are changed. Places that change at random need all stages again; without changes, only the last two.
_CONTESTANTS = {"computed once": None, "at each step": "color-safe"}


def measure(setting: Setting) -> list[Line]:
    """Measure the epochs of both trainings in turns, without reading images and without the export."""
    if not all(map(find_spec, _PEER)):
        return [NotMeasured(_NAME, 'needs pip install "twoflow[torch]"')]
    size = _QUICK if setting.is_quick else _FULL
    images = photos(setting.folder, size.n, 2, jobs=setting.jobs)
    seconds: dict[str, list[float]] = {name: [] for name in _CONTESTANTS}
    for number in range(-1, size.rounds):  # the first round only loads files and code
        for name, augment in _CONTESTANTS.items():
            found = _train(images, size, setting.jobs, train=2, augment=augment)
            if number >= 0:
                seconds[name].append(found)
    whole = _train(images, size, setting.jobs, train="whole", augment="color-safe")
    rates = {name: 1 / median(found) for name, found in seconds.items()}
    return [
        Figure(
            _NAME, ratio(seconds["at each step"], seconds["computed once"]), "x",
            f"the last 2 of 9 stages take what they take; {rates['computed once']:.0f} against "
            f"{rates['at each step']:.0f} images/s, and {1 / whole:.0f} for the whole network, at {size.side} pixels",
            seconds=seconds,
        )
    ]


def _train(images: ImageCollection, size: _Size, jobs: int, **parameters: Any) -> float:
    """Train, and return the seconds for an image in an epoch."""
    model = FineTunedClassifier(
        input_size=(size.side, size.side), max_epochs=size.epochs, patience=None, random_state=0, n_jobs=jobs,
        **parameters,
    ).fit(images)
    return sum(epoch["seconds"] for epoch in model.history_) / (size.epochs * size.n)
