"""Measure a comparison of six methods by ten folds against scikit-learn's cross-validation of each method."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import cross_val_score

from twoflow import ImageCollection, compare
from twoflow.evaluation import Comparison, make_methods
from twoflow.evaluation.folds import Folds

from .figure import Figure, Line
from .measure import Contestant, interleave, ratio
from .photos import photos
from .setting import Setting


class _Size(NamedTuple):
    n: int
    n_classes: int
    folds: int
    methods: tuple[str, ...]
    rounds: int


_METHODS = ("two-flow", "cnn", "cnn:stage6", "projection", "pixels:64x48", "pixels:64x48+cnn")
_FULL, _QUICK = _Size(48, 4, 10, _METHODS, 1), _Size(12, 2, 2, _METHODS[2:4], 1)


def measure(setting: Setting) -> list[Line]:
    """Measure both; they give the same scores, but read and embed each image a different number of times."""
    size = _QUICK if setting.is_quick else _FULL
    images = photos(setting.folder, size.n, size.n_classes, n_drawn=size.n, jobs=setting.jobs)
    methods = make_methods(size.methods, images)
    run = partial(compare, methods, images, folds=size.folds, n_jobs=setting.jobs)
    comparisons: list[Comparison] = []
    scores: list[list[np.ndarray]] = []
    times = interleave(
        {
            "compare": Contestant(lambda: comparisons.append(run())),
            "cross_val_score": Contestant(
                lambda: scores.append(_cross_validate(methods, images, comparisons[0].folds, setting.jobs))
            ),
        },
        size.rounds,
        has_warm_up=False,
    )
    np.testing.assert_array_equal(scores[0], [method.scores["accuracy"] for method in comparisons[0].methods])
    limits = [_least_seconds(comparison, setting.jobs) for comparison in comparisons]
    return [
        Figure(
            f"rate, against cross_val_score: {size.n} images, {len(methods)} methods, {size.folds} folds",
            ratio(times.wall["cross_val_score"], times.wall["compare"]), "x",
            f"{median(ratio(times.wall['cross_val_score'], limits)):.1f}: each feature once, and fits on all cores",
            seconds=times.wall,
        )
    ]


def _cross_validate(methods: Mapping[str, Any], images: ImageCollection, drawn: Folds, jobs: int) -> list[np.ndarray]:
    folds = [(fold.train, fold.test) for fold in drawn]
    return [cross_val_score(method, images.paths, images.labels, cv=folds, n_jobs=jobs) for method in methods.values()]


def _least_seconds(comparison: Comparison, jobs: int) -> float:
    """Sum what the comparison reports for features, and for fits and predictions if all cores shared them evenly."""
    fits = sum(method.fit_seconds + method.predict_seconds for method in comparison.methods) * len(comparison.folds)
    return comparison.extraction_seconds + fits / jobs
