"""Measure the first command, ``twoflow cv`` on the generated shop, against its features and scikit-learn's forests."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from twoflow import CNNEmbedding, FlowUnion, ImageCollection, PixelProjection, make_shop

from .child import ROOT
from .figure import Aim, Figure, Line
from .measure import Contestant, interleave, ratio
from .setting import Setting


class _Size(NamedTuple):
    """The shop, the number of folds, the command's further arguments ({shop} is the shop's folder), and of rounds."""

    n_classes: int
    n_per_class: int
    folds: int
    arguments: tuple[str, ...]
    rounds: int


_FULL, _QUICK = _Size(20, 30, 10, (), 1), _Size(2, 6, 2, ("{shop}", "--folds", "2"), 1)
_MOST_SECONDS = 60
_N_SELECTED = {"projection": 55, "cnn": 400}


def measure(setting: Setting) -> list[Line]:
    """Measure the command in processes of its own, and the forests of two-flow and cnn on ready features."""
    size = _QUICK if setting.is_quick else _FULL
    with TemporaryDirectory(dir=setting.folder, prefix="first-command-") as name:
        folder = Path(name)
        shop = make_shop(size.n_classes, size.n_per_class, folder=folder / "shop", random_state=0)
        union = FlowUnion(
            [("projection", PixelProjection(random_state=0)), ("cnn", CNNEmbedding())], n_jobs=setting.jobs
        ).fit(shop)
        features, columns = union.transform(shop), union.slices()
        extraction: list[float] = []
        times = interleave(
            {
                "first command": Contestant(partial(_call, size, setting, folder, extraction)),
                "forests": Contestant(partial(_forests, features, columns, shop, size, setting)),
            },
            size.rounds,
            has_warm_up=False,
        )
    seconds = {**times.wall, "features": extraction}
    total = times.wall["first command"]
    n_images = f"{len(shop):,} images of {size.n_classes} classes, {size.folds} folds"
    return [
        Figure(
            f"first command: {n_images}", total, "s",
            f"{median(extraction):.1f} s: its features, of two passes over the network and of the projection",
            Aim("<=", _MOST_SECONDS), seconds,
        ),
        Figure(
            "first command, against its own features", ratio(total, extraction), "x",
            "1: starting, fitting, testing and writing would take no time", seconds=seconds,
        ),
        Figure(
            "first command, against scikit-learn's forests on the features of two-flow and cnn",
            ratio(total, times.wall["forests"]), "x",
            f"1: {median(times.wall['forests']):.1f} s, without features, without fast, and without a report",
            seconds=seconds,
        ),
    ]


def _call(size: _Size, setting: Setting, folder: Path, extraction: list[float]) -> None:
    """Run the command, and append the seconds that it reports for features."""
    arguments = [argument.format(shop=folder / "shop") for argument in size.arguments]
    options = ["--jobs", str(setting.jobs), "--no-store", "--quiet", "--out", str(folder / f"report-{len(extraction)}")]
    command = [sys.executable, "-m", "twoflow", "cv", *arguments, *options]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    report = json.loads((Path(options[-1]) / "report.json").read_text("utf-8"))
    extraction.append(report["environment"]["extraction_seconds"])


def _forests(
    features: np.ndarray, columns: dict[str, slice], shop: ImageCollection, size: _Size, setting: Setting
) -> None:
    """Cross-validate the same forests as two-flow and cnn, written with scikit-learn alone."""
    selectors = [
        (name, SelectFromModel(RandomForestClassifier(100, random_state=0), max_features=n), columns[name])
        for name, n in _N_SELECTED.items()
    ]
    forest = RandomForestClassifier(200, random_state=0)
    for model, which in ((make_pipeline(ColumnTransformer(selectors), forest), slice(None)), (forest, columns["cnn"])):
        cross_val_score(model, features[:, which], shop.labels, cv=size.folds, n_jobs=setting.jobs)
