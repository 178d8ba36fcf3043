"""Running a flow over many pictures: in parallel, in bounded memory, with every row in its place.

Each worker takes one picture from the file to its features before it takes the next. Decoding of one picture and the
network's work on another thus overlap by themselves, memory does not grow with the number of pictures, and a row cannot
depend on its neighbours. A batch through the network would be no faster: on CPUs, onnxruntime computes pictures one by
one on as many threads at the same rate.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from tqdm import tqdm

from ..images import ImageReadError, Picture
from ..images.reading import Source, describe

if TYPE_CHECKING:
    from .base import Flow

_CHUNK = 16  # pictures a task: enough to hide joblib's cost, few enough to keep progress and balance smooth


class Extraction(NamedTuple):
    """Features of shape (n, n_features), in the flow's dtype; position and error of each unreadable picture."""

    features: np.ndarray
    errors: list[tuple[int, ImageReadError]]


def extract(flow: Flow, pictures: Sequence[Source], positions: Sequence[int] | None = None) -> Extraction:
    """Compute the features of each picture, or of those at some positions, with the flow's `n_jobs` and `on_error`.

    Row i belongs to ``pictures[positions[i]]``; errors give the positions in `pictures`.
    """
    positions = range(len(pictures)) if positions is None else positions
    n_workers = effective_n_jobs(flow.n_jobs)
    step = min(_CHUNK, -(-len(positions) // n_workers))
    starts = range(0, len(positions), step)
    # A single picture on an idle machine may have every core; with a picture for each core, each has one.
    n_threads = max(1, n_workers // len(starts))
    crew = _Crew()
    chosen = ({position: pictures[position] for position in positions[i:i + step]} for i in starts)
    tasks = (delayed(_extract_chunk)(flow, chunk, n_threads, crew) for chunk in chosen)

    features = np.empty((len(positions), flow._n_features_out), dtype=flow._dtype)
    errors: list[tuple[int, ImageReadError]] = []
    chunks = Parallel(n_jobs=flow.n_jobs, prefer="threads", return_as="generator")(tasks)
    try:
        with tqdm(total=len(positions), unit=" pictures", disable=None if flow.verbose else True) as progress:
            for start, (rows, chunk_errors) in zip(starts, chunks):
                features[start:start + len(rows)] = rows
                errors += chunk_errors
                if errors and flow.on_error == "raise":
                    chunks.close()
                    raise errors[0][1]
                progress.update(len(rows))
    except BaseException:
        crew.stop()
        raise
    return Extraction(features, errors)


def _extract_chunk(
    flow: Flow, pictures: Mapping[int, Source], n_threads: int, crew: _Crew
) -> tuple[np.ndarray, list[tuple[int, ImageReadError]]]:
    rows = np.empty((len(pictures), flow._n_features_out), dtype=flow._dtype)
    errors: list[tuple[int, ImageReadError]] = []
    with crew:
        for row, (position, source) in zip(rows, pictures.items()):
            if crew.stopped or errors and flow.on_error == "raise":
                break
            name = None if isinstance(source, (str, Path)) else f"picture {position} ({describe(source)})"
            try:
                picture = Picture(source, name)
                picture.rgb  # also where the flow does not look at it: what can be read must not depend on the flow
                row[:] = flow._extract(picture, n_threads)
            except ImageReadError as error:
                errors.append((position, error))
                if flow.on_error == "nan":
                    row[:] = np.nan
    return rows, errors


class _Crew:
    """The workers of one extraction in this process.

    When it ends early they must be waited for: a process that ends while one is inside onnxruntime aborts.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._busy = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._busy += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Ask every worker to stop after its picture, and wait until all have."""
        self.stopped = True
        with self._changed:
            self._changed.wait_for(lambda: not self._busy)

    def __reduce__(self) -> tuple:
        return _Crew, ()  # workers in other processes are joblib's to stop
