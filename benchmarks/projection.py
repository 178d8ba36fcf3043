"""Measure projecting 921,600 values to 128 features against decoding alone, and against scikit-learn."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from sklearn.random_projection import SparseRandomProjection

from twoflow import PixelProjection

from .child import can_measure_memory, in_fresh_process
from .figure import Aim, Figure, Line, NotMeasured
from .floors import decode, spread
from .measure import Contestant, Times, interleave, ratio
from .photos import SIZE, photos
from .setting import Setting

_N_COMPONENTS = 128
#: Bytes an image takes in scikit-learn: a row of a float32 table, and three rows of that size in between.
_IMAGE_BYTES = 4 * 3 * SIZE[0] * SIZE[1] * np.dtype(np.float32).itemsize
_SKLEARN_BYTES = 2 * 2**30


class _Size(NamedTuple):
    n: int
    n_sklearn: int
    n_memory: int
    rounds: int


_FULL, _QUICK = _Size(1_000, _SKLEARN_BYTES // _IMAGE_BYTES, 5_000, 3), _Size(16, 4, 24, 2)


def measure(setting: Setting) -> list[Line]:
    """Measure time, rate and peak memory, after checking that both give the same features."""
    size = _QUICK if setting.is_quick else _FULL
    paths = photos(setting.folder, size.n, jobs=setting.jobs).paths
    flow = PixelProjection(_N_COMPONENTS, SIZE, random_state=0, n_jobs=setting.jobs).fit(paths)
    theirs = SparseRandomProjection(_N_COMPONENTS, random_state=0).fit(np.zeros((1, 3 * SIZE[0] * SIZE[1]), np.float32))
    few = paths[:size.n_sklearn]
    np.testing.assert_allclose(flow.transform(few), _project_all(theirs, few, setting.jobs), rtol=1e-3, atol=1e-3)
    times = interleave(
        {
            "twoflow": Contestant(partial(flow.transform, paths), size.n),
            "decoding": Contestant(partial(decode, paths, setting.jobs), size.n),
            "scikit-learn": Contestant(partial(_project_all, theirs, few, setting.jobs), size.n_sklearn),
        },
        size.rounds,
    )
    return [*_speed(times, size), _memory(setting, size)]


def _speed(times: Times, size: _Size) -> list[Line]:
    return [
        Figure(
            "time, against decoding alone",
            ratio(times.wall["twoflow"], times.wall["decoding"]),
            "x",
            f"1: the same files read and decoded by Pillow on as many threads, {times.rate('decoding'):.0f} images/s",
            Aim("<=", 1.3),
            times.wall,
        ),
        Figure(
            "rate, against scikit-learn's on the table of all pixels",
            ratio(times.wall["scikit-learn"], times.wall["twoflow"]),
            "x",
            f"decoding, which both do on as many threads; scikit-learn projects {size.n_sklearn} images, which take "
            f"{size.n_sklearn * _IMAGE_BYTES / 2**30:.1f} GiB",
            seconds=times.wall,
        ),
    ]


def _memory(setting: Setting, size: _Size) -> Line:
    name = f"peak memory, {size.n_memory:,} images"
    if not can_measure_memory():
        return NotMeasured(name, "needs Linux, which reports the peak memory of a process")
    photos(setting.folder, size.n_memory, jobs=setting.jobs)
    peak, least = (
        in_fresh_process(project, folder=str(setting.folder), n=n, jobs=setting.jobs).peak_bytes / 1e6
        for n in (size.n_memory, 1)
    )
    return Figure(
        name, [peak], "MB", f"{least:.0f} MB for one image, most of it Python with scikit-learn",
        Aim("<=", 300),
    )


def project(folder: str, n: int, jobs: int) -> None:
    """Project photographs; the task of the process whose memory is measured."""
    paths = photos(Path(folder), n).paths
    PixelProjection(_N_COMPONENTS, SIZE, random_state=0, n_jobs=jobs).fit_transform(paths)


def _project_all(projection: SparseRandomProjection, paths: list[str], jobs: int) -> np.ndarray:
    pixels = np.empty((len(paths), 3 * SIZE[0] * SIZE[1]), np.float32)

    def fill(row: int) -> None:
        with Image.open(paths[row]) as image:
            np.divide(np.asarray(image.convert("RGB")).ravel(), np.float32(255), out=pixels[row])

    spread(fill, range(len(paths)), jobs)
    return projection.transform(pixels)
